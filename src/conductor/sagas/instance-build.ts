import { instanceId, isTransient } from '#base'
import type { ServerBuild } from '#bus'
import { type Instance, InstanceChanged, type Selection, type TaskState } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import type { GuestSpec } from '#virt'
import { letGo, takeSeat } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { giveDiskKeys } from '../disk-keys.ts'
import { countFailedBuild, countGoodBuild } from '../failed-builds.ts'
import { specOf } from '../guest-spec.ts'
import { destroyGuest, hostClient, unlessAborted } from '../hosts.ts'
import { connect, disconnect, groupNames, preservedPorts } from '../interfaces.ts'
import { say } from '../notices.ts'
import { finishEvent, startEvent } from '../records.ts'
import { mustKeepPolicy } from '../server-group.ts'
import { connectVolumes, disconnectVolumes, volumesOf } from '../volumes.ts'

export interface BuildOnHost extends ServerBuild {
  readonly selection: Selection
  /** The scheduler has claimed the first selection; alternates are claimed here. */
  readonly isClaimed: boolean
}

/** Nova's name for this event has two underscores. */
export const buildEvent = 'compute__do_build_and_run_instance'

/** The spec of a guest's first start: the only one that carries a config drive. */
export async function withDrive(d: ConductorDeps, instance: Instance, spec: GuestSpec): Promise<GuestSpec> {
  if (!instance.hasConfigDrive) return spec
  return { ...spec, configDrive: await d.configDrive(instance.id, await d.store.launchSecrets.find(instance.id)) }
}

/** The row as it is, if this saga still owns it; a delete may have taken it over. */
async function owned(d: ConductorDeps, id: string, sagaId: string) {
  const instance = await d.store.instances.get(id)
  if (instance.sagaId !== sagaId) throw InstanceChanged({ id })
  return instance
}

/** Where the server is going to be: its record does not say so at the beginning, and no more after a failure. */
const atSelection = ({ input: { selection } }: { readonly input: BuildOnHost }) => ({
  host: selection.host,
  zone: selection.zone,
})

/**
 * Build one instance on one host.
 *
 * The row is `building` and belongs to the outer saga; this one owns everything between the claim and the first running
 * guest. When it unwinds, the row has no host again and the outer saga tries the next alternate.
 */
export const instanceBuild = saga<ConductorDeps, BuildOnHost, Store>('instance-build')
  .step(
    'allocation',
    async (s, d) => {
      const { spec, selection } = s.input
      if (s.input.isClaimed) return takeSeat(d, s.input.instanceId, spec, selection)
      await d.placement.claim({
        consumerId: s.input.instanceId,
        allocations: selection.allocations,
        projectId: spec.projectId,
        userId: spec.userId,
        consumerType: 'INSTANCE',
      })
      await takeSeat(d, s.input.instanceId, spec, selection)
    },
    (s, d) => letGo(d, s.input.instanceId),
  )
  .step(
    'host',
    async (s, d, c) => {
      const { host, node } = s.input.selection
      const change = { host, node, launchedOn: host, taskState: 'networking' } as const
      const { instanceId: id } = s.input
      const changed = await d.store.transaction(async tx => {
        await mustKeepPolicy(tx, id, host)
        return tx.instances.change(instanceId(id), change, d.clock.now(), { sagaId: c.sagaId })
      })
      if (!changed) throw InstanceChanged({ id })
      await startEvent(d.store, d.clock.now(), s.input, buildEvent, host)
    },
    async (s, d, c) => {
      const change = { host: null, node: null, launchedOn: null, taskState: 'scheduling', networkInfo: [] } as const
      await d.store.instances.change(instanceId(s.input.instanceId), change, d.clock.now(), { sagaId: c.sagaId })
    },
  )
  .step(
    'ports',
    async (s, d, c) => {
      const instance = await owned(d, s.input.instanceId, c.sagaId)
      const at = { host: s.input.selection.host, zone: s.input.selection.zone }
      const { vifs: networkInfo, groupIds } = await connect(
        d,
        { ...instance, networkInfo: [] },
        at,
        s.input.networks,
        s.input.securityGroupIds,
      )
      const securityGroups = await groupNames(d, instance.projectId, groupIds)
      const changed = await d.store.instances.change(
        instance.id,
        { networkInfo, securityGroups, taskState: 'spawning' },
        d.clock.now(),
        {
          sagaId: c.sagaId,
        },
      )
      if (!changed) throw InstanceChanged({ id: instance.id })
    },
    async (s, d) => disconnect(d, s.input.instanceId, preservedPorts(undefined, s.input.networks)),
  )
  .step(
    'volumes',
    async (s, d, c) => {
      if ((await volumesOf(d, s.input.instanceId)).length === 0) return
      const instance = await owned(d, s.input.instanceId, c.sagaId)
      const doing = (taskState: TaskState) =>
        d.store.instances.change(instance.id, { taskState }, d.clock.now(), { sagaId: c.sagaId })
      await doing('block_device_mapping')
      await connectVolumes(d, instance, s.input.selection.host)
      await doing('spawning')
    },
    (s, d) => disconnectVolumes(d, s.input.instanceId),
  )
  // The next attempt finds them, and a delete takes them away.
  .step('keys', (s, d) => giveDiskKeys(d, s.input.instanceId))
  .step(
    'guest',
    async (s, d, c) => {
      const instance = await owned(d, s.input.instanceId, c.sagaId)
      const host = hostClient(d, s.input.selection.host)
      const spec = await unlessAborted(c.signal, withDrive(d, instance, await specOf(d, instance)))
      try {
        await unlessAborted(c.signal, host.spawn({ spec }, { key: c.key, requestId: s.input.requestId }))
      } catch (error) {
        if (!c.signal.aborted && !isTransient(error)) await countFailedBuild(d, s.input.selection.nodeId, error)
        throw error
      }
    },
    (s, d, c) => destroyGuest(d, s.input.selection.host, s.input.instanceId, c.key),
  )
  .pivot('active', async (s, d, c) => {
    const now = d.clock.now()
    const changed = await d.store.transaction(async tx => {
      const done = await tx.instances.change(
        instanceId(s.input.instanceId),
        { vmState: 'active', powerState: 1, launchedAtMs: now, progress: 100 },
        now,
        { sagaId: c.sagaId },
      )
      if (done) await finishEvent(tx, now, s.input, buildEvent)
      return done
    })
    if (!changed) throw InstanceChanged({ id: s.input.instanceId })
    await countGoodBuild(d, s.input.selection.nodeId)
  })
  .telling({
    'before allocation': say('instance.create.start', atSelection),
    failed: say('instance.create.error', atSelection, 'before allocation'),
  })
