import { bare, obj, operation, text } from '#api/kit'
import { KeyedQueues } from '#base'
import type { Caller, PortView } from '#cloud'
import type { Instance } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { EmptyGroupName, GroupCannotBeApplied, ManyGroups, NoSuchGroup } from './faults.ts'

const op = operation<ApiDeps, { id: string }>()
const body = bare(obj({ name: text({ min: 1 }) }))
const faults = {
  InstanceNotFound: 404,
  EmptySecurityGroupName: 400,
  SecurityGroupNotFound: 404,
  SecurityGroupCannotBeApplied: 400,
  NoUniqueMatch: 409,
  PortNotFound: 404,
} as const

/** A port takes its groups as a whole list, so two changes to one server follow one another. */
const queues = new KeyedQueues<string>()

/** By id, else by name among the caller's own groups. */
async function groupIdOf(deps: ApiDeps, caller: Caller, name: string): Promise<string> {
  if (name.trim() === '') throw EmptyGroupName({})
  const groups = await deps.network.securityGroups(caller, caller.projectId ?? '')
  const byId = groups.find(group => group.id === name)
  if (byId !== undefined) return byId.id
  const [group, ...others] = groups.filter(group => group.name === name)
  if (group === undefined)
    throw NoSuchGroup({ text: `Security group ${name} is not found for project ${caller.projectId}` })
  if (others.length > 0) throw ManyGroups({ name })
  return group.id
}

async function portsOf(deps: ApiDeps, caller: Caller, { id }: Instance): Promise<readonly PortView[]> {
  const ports = await deps.network.ports(caller, { deviceId: id })
  if (ports.length === 0) throw NoSuchGroup({ text: `instance_id ${id} could not be found as device id on any ports` })
  return ports
}

/** The record shows the names of the groups that are on the ports now. */
async function remember(deps: ApiDeps, instance: Instance): Promise<void> {
  const ports = await deps.network.ports('service', { deviceId: instance.id })
  const used = new Set(ports.flatMap(port => port.securityGroupIds))
  const groups = await deps.network.securityGroups('service', instance.projectId)
  const securityGroups = [...new Set(groups.filter(group => used.has(group.id)).map(group => group.name))]
  await deps.store.instances.change(instance.id, { securityGroups }, deps.clock.now())
}

export const addGroup = op({
  status: 202,
  policy: 'os_compute_api:os-security-groups:add',
  body,
  faults,
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const groupId = await groupIdOf(deps, caller, body.name)
    await queues.run(instance.id, async () => {
      for (const port of await portsOf(deps, caller, instance)) {
        if (!port.isPortSecurityEnabled || port.fixedIps.length === 0) throw GroupCannotBeApplied({})
        if (port.securityGroupIds.includes(groupId)) continue
        await deps.network.updatePort(caller, port.id, { securityGroupIds: [...port.securityGroupIds, groupId] })
      }
      await remember(deps, instance)
    })
  },
})

export const removeGroup = op({
  status: 202,
  policy: 'os_compute_api:os-security-groups:remove',
  body,
  faults,
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const { name } = body
    const groupId = await groupIdOf(deps, caller, name)
    await queues.run(instance.id, async () => {
      const ports = (await portsOf(deps, caller, instance)).filter(port => port.securityGroupIds.includes(groupId))
      if (ports.length === 0)
        throw NoSuchGroup({ text: `Security group ${name} not associated with the instance ${instance.id}` })
      for (const { id, securityGroupIds } of ports) {
        await deps.network.updatePort(caller, id, { securityGroupIds: securityGroupIds.filter(g => g !== groupId) })
      }
      await remember(deps, instance)
    })
  },
})
