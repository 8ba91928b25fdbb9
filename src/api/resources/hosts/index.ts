import {
  anything,
  bare,
  both,
  either,
  int,
  list,
  obj,
  oneOf,
  operation,
  query,
  reply,
  resource,
  str,
  until,
} from '#api/kit'
import { isTransient } from '#base'
import { HostUnavailable, type Instance } from '#model'
import type { Service } from '#store'
import type { MachineAction } from '#virt'
import { type Gathered, gathered, ofHost } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { amounts, hypervisorIn, loadIn } from '../hypervisors/fleet.ts'
import { FeatureNotSupported } from '../not-supported.ts'
import { changeService } from '../services/change.ts'
import { HostNotMapped } from '../services/faults.ts'
import { findCompute } from '../services/find.ts'
import { isListed, zoneOfService } from '../services/view.ts'

const op = operation<ApiDeps>()
const exists = until('2.43')
const policy = (action: string): string => `os_compute_api:os-hosts:${action}`
const faults = { HostMappingNotFound: 404, FeatureNotSupported: 501, HostUnavailable: 400 } as const
type MachineOrder = MachineAction | 'on_maintenance' | 'off_maintenance'

const words = oneOf('enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE').optional()
const open = { rest: 'any' } as const
const updateBody = bare(
  both(
    obj({ status: words, maintenance_mode: words }),
    either(obj({ status: anything }, open), obj({ maintenance_mode: anything }, open)),
  ),
)

const resourceShape = obj({ host: str, project: str, cpu: int, memory_mb: int, disk_gb: int })

async function mustBeHost(deps: ApiDeps, host: string): Promise<Gathered<Service>> {
  const found = await findCompute(deps, host)
  if (found === undefined) throw HostNotMapped({ host })
  return found
}

const sum = (host: string, project: string, instances: readonly Instance[]) => ({
  host,
  project,
  cpu: instances.reduce((n, { flavor }) => n + flavor.vcpus, 0),
  memory_mb: instances.reduce((n, { flavor }) => n + flavor.memoryMiB, 0),
  disk_gb: instances.reduce((n, { flavor }) => n + flavor.rootGiB + flavor.ephemeralGiB, 0),
})

/** Has the hypervisor do something to its host; 501 where it cannot. */
async function operate(deps: ApiDeps, host: string, action: MachineOrder): Promise<void> {
  try {
    const { isSupported } = await deps.computeOn(host).machine({ action })
    if (!isSupported) throw FeatureNotSupported({})
  } catch (error) {
    if (isTransient(error)) throw HostUnavailable({ host }, { cause: error })
    throw error
  }
}

const powerAction = (rule: string, action: MachineAction) =>
  operation<ApiDeps, { id: string }>()({
    exists,
    policy: policy(rule),
    reply: reply(obj({ host: str, power_action: str })),
    faults,
    async handle({ path, allow }, deps) {
      allow({})
      const own = await mustBeHost(deps, path.id)
      await operate(own.deps, path.id, action)
      return { host: path.id, power_action: action }
    },
  })

const isEnable = (word: string): boolean => word.toLowerCase() === 'enable'

/** Hosts of services, as older clients see them; os-services and os-hypervisors took their place. */
export const hosts = resource('/os-hosts', {
  'GET /': op({
    exists,
    policy: policy('list'),
    query: query({ zone: str.optional() }),
    reply: reply('hosts', list(obj({ host_name: str, service: str, zone: str }))),
    async handle({ query, allow }, deps) {
      allow({})
      const zones = await deps.store.aggregates.zones()
      const known = (await gathered(deps, ({ store }) => store.services.list())).flat()
      const services = known.filter(s => !s.isDisabled && isListed(s))
      const all = services.map(s => ({
        host_name: s.host,
        service: s.topic,
        zone: zoneOfService(deps.settings, zones, s),
      }))
      return (query.zone ?? '') === '' ? all : all.filter(({ zone }) => zone === query.zone)
    },
  }),

  'GET /{id}': op({
    exists,
    policy: policy('show'),
    reply: reply('host', list(obj({ resource: resourceShape }))),
    faults: { HostMappingNotFound: 404 },
    async handle({ path, allow }, deps) {
      allow({})
      const host = path.id
      const own = await ofHost(deps, host)
      const hypervisor = own === undefined ? undefined : await hypervisorIn(own, { host })
      if (own === undefined || hypervisor === undefined) throw HostNotMapped({ host })
      const now = amounts(hypervisor, await loadIn(own))
      const instances = await own.store.instances.onHost(host)
      return [
        { host, project: '(total)', cpu: now.vcpus, memory_mb: now.memory_mb, disk_gb: now.local_gb },
        { host, project: '(used_now)', cpu: now.vcpus_used, memory_mb: now.memory_mb_used, disk_gb: now.local_gb_used },
        sum(host, '(used_max)', instances),
        ...[...Map.groupBy(instances, i => i.projectId)].map(([project, own]) => sum(host, project, own)),
      ].map(resource => ({ resource }))
    },
  }),

  // A status is that of the host's service, as os-services would set it.
  'PUT /{id}': op({
    exists,
    policy: policy('update'),
    body: updateBody,
    reply: reply(
      obj({
        host: str,
        status: oneOf('enabled', 'disabled').optional(),
        maintenance_mode: oneOf('on_maintenance', 'off_maintenance').optional(),
      }),
    ),
    faults,
    async handle({ path, body, allow }, deps) {
      allow({})
      const { deps: own, value: service } = await mustBeHost(deps, path.id)
      const { status, maintenance_mode: maintenance } = body
      if (status !== undefined)
        await changeService(own, service, { isDisabled: !isEnable(status), disabledReason: null })
      const isOn = maintenance !== undefined && isEnable(maintenance)
      const order = isOn ? ('on_maintenance' as const) : ('off_maintenance' as const)
      if (maintenance !== undefined) await operate(own, path.id, order)
      return {
        host: path.id,
        ...(status === undefined ? {} : { status: isEnable(status) ? ('enabled' as const) : ('disabled' as const) }),
        ...(maintenance === undefined ? {} : { maintenance_mode: order }),
      }
    },
  }),

  'GET /{id}/reboot': powerAction('reboot', 'reboot'),
  'GET /{id}/shutdown': powerAction('shutdown', 'shutdown'),
  'GET /{id}/startup': powerAction('start', 'startup'),
})
