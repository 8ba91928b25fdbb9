import { declareFault, type FaultRecord, instanceId } from '#base'
import type { SagaInputs, ServerTask } from '#bus'
import { ImageNotFound, instanceImageOf, requestedPort } from '#cloud'
import {
  type Instance,
  InstanceChanged,
  type InstanceImage,
  NoValidHost,
  type RequestSpec,
  type Selection,
} from '#model'
import { type Outcome, type SettleContext, saga } from '#saga'
import type { Store } from '#store'
import type { GuestSpec } from '#virt'
import { letGo, takeSeat } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { withImageKey } from '../disk-keys.ts'
import { specOf, withCertificates } from '../guest-spec.ts'
import { destroyGuest, hostClient, unlessAborted } from '../hosts.ts'
import { removeImage } from '../images.ts'
import { rebind, unbind } from '../interfaces.ts'
import { say } from '../notices.ts'
import { placeServers } from '../placing.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { mustKeepPolicy } from '../server-group.ts'
import { onShelf, putBack, shelvedImageOf, withoutShelvedKeys } from '../shelving.ts'
import { mustBeOurs } from '../snapshot.ts'
import { connectVolumes, disconnectVolumes } from '../volumes.ts'

const outer = 'conductor_unshelve_instance'
const lookEvent = 'get_image_info'
const placeEvent = 'schedule_instances'
const buildEvent = 'compute_unshelve_instance'

/** The server cannot come back: what it was is gone. */
export const UnshelveFailed = declareFault(
  'UnshelveException',
  'missing',
  (p: { id: string; reason: string }) => `Error during unshelve instance ${p.id}: ${p.reason}`,
)

async function shelvedImage(d: ConductorDeps, task: ServerTask): Promise<InstanceImage | null> {
  const imageId = shelvedImageOf(await d.store.instances.get(task.instanceId))
  // One whose root disk is a volume has none.
  if (imageId === null) return null
  await startEvent(d.store, d.clock.now(), task, lookEvent, null)
  try {
    const image = instanceImageOf(await d.images.get('service', imageId))
    await finishEvent(d.store, d.clock.now(), task, lookEvent)
    return image
  } catch (error) {
    if (!ImageNotFound.is(error)) throw error
    const reason = `Unshelve attempted but the image ${imageId} cannot be found.`
    throw UnshelveFailed({ id: task.instanceId, reason }, { cause: error })
  }
}

/** The request of its first build, without the place it was forced to then; with the host that is asked for now. */
async function wantedNow(d: ConductorDeps, id: string, host: string | null): Promise<RequestSpec> {
  const spec = await d.store.requestSpecs.find(id)
  if (spec === undefined) throw new Error(`server ${id} has no request spec`)
  const ports = (await d.network.ports('service', { deviceId: id })).map(requestedPort)
  const destination = host === null ? null : { host, node: null, isForced: false }
  return { ...spec, ports, networkIds: ports.map(port => port.networkId), ignoreHosts: [], destination }
}

async function place(d: ConductorDeps, task: ServerTask, { host, node }: Selection, sagaId: string) {
  const change = { host, node, launchedOn: host, taskState: 'spawning' } as const
  await d.store.transaction(async tx => {
    await mustKeepPolicy(tx, task.instanceId, host)
    const isOurs = await tx.instances.change(instanceId(task.instanceId), change, d.clock.now(), { sagaId })
    if (!isOurs) throw InstanceChanged({ id: task.instanceId })
  })
}

/** The disk comes from the shelved image; a config drive is made anew, without the secrets of the first launch. */
async function specFrom(d: ConductorDeps, instance: Instance, image: InstanceImage | null): Promise<GuestSpec> {
  const spec = await specOf(d, instance)
  const drive = instance.hasConfigDrive ? { configDrive: await d.configDrive(instance.id, undefined) } : {}
  if (image === null) return { ...spec, ...drive }
  return { ...spec, image: await withImageKey(d, withCertificates(image, instance)), ...drive }
}

async function settle(
  task: ServerTask,
  failure: FaultRecord,
  reached: { image: boolean; selection: boolean },
  tx: Store,
  { sagaId, nowMs }: SettleContext,
): Promise<void> {
  const open = reached.selection ? buildEvent : reached.image ? placeEvent : lookEvent
  await finishEvent(tx, nowMs, task, open, failure)
  // Nowhere to go is an answer, not a failure of the whole.
  const isAnswer = NoValidHost.code === failure.code
  await finishEvent(tx, nowMs, task, outer, isAnswer ? undefined : failure)
  const id = instanceId(task.instanceId)
  const isHopeless = failure.code === UnshelveFailed.code
  const change = isHopeless ? ({ vmState: 'error' } as const) : {}
  const isOurs = await tx.instances.change(id, change, nowMs, { sagaId })
  if (!isOurs || isAnswer) return
  const message = isHopeless ? String(failure.params['reason']) : failure.message
  await recordFault(tx, nowMs, task, { ...failure, message }, null)
}

/**
 * A server that has left its host comes back: placed anew, made from its shelved image on the ports it has kept. Undone:
 * it is on the shelf as before, its image kept; only one whose image is gone becomes an error.
 */
export const serverUnshelve = saga<ConductorDeps, SagaInputs['server-unshelve'], Store>('server-unshelve')
  .step('shelf', async (s, d) => {
    await startEvent(d.store, d.clock.now(), s.input, outer, null)
    return onShelf(await d.store.instances.get(s.input.instanceId))
  })
  .step('image', (s, d): Promise<InstanceImage | null> => shelvedImage(d, s.input))
  .step(
    'selection',
    async (s, d, c): Promise<Selection> => {
      const { instanceId: id, requestId, host } = s.input
      await startEvent(d.store, d.clock.now(), s.input, placeEvent, null)
      const spec = await wantedNow(d, id, host)
      const places = await placeServers(d, c, spec, [id], requestId)
      const selection = places[id]?.[0]
      if (selection === undefined) throw NoValidHost({ reason: '' })
      await takeSeat(d, id, spec, selection)
      await finishEvent(d.store, d.clock.now(), s.input, placeEvent)
      return selection
    },
    (s, d) => letGo(d, s.input.instanceId),
  )
  .step(
    'place',
    async (s, d, c) => {
      await place(d, s.input, s.selection, c.sagaId)
      await startEvent(d.store, d.clock.now(), s.input, buildEvent, s.selection.host)
    },
    async (s, d, c) => {
      const change = { host: null, node: null, taskState: 'unshelving' } as const
      await d.store.instances.change(instanceId(s.input.instanceId), change, d.clock.now(), { sagaId: c.sagaId })
    },
  )
  .step(
    'ports',
    async (s, d) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const networkInfo = await rebind(d, instance, s.selection)
      await d.store.instances.change(instance.id, { networkInfo }, d.clock.now())
    },
    (s, d) => unbind(d, s.input.instanceId),
  )
  .step(
    'volumes',
    async (s, d) => connectVolumes(d, await d.store.instances.get(s.input.instanceId), s.selection.host),
    (s, d) => disconnectVolumes(d, s.input.instanceId),
  )
  .step(
    'guest',
    async (s, d, c) => {
      const spec = await unlessAborted(c.signal, specFrom(d, await d.store.instances.get(s.input.instanceId), s.image))
      const host = hostClient(d, s.selection.host)
      await unlessAborted(c.signal, host.spawn({ spec }, { key: c.key, requestId: s.input.requestId }))
    },
    (s, d, c) => destroyGuest(d, s.selection.host, s.input.instanceId, c.key),
  )
  .pivot(
    'active',
    async (s, d, c) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const now = d.clock.now()
      const systemMetadata = withoutShelvedKeys(instance)
      const change = { vmState: 'active', powerState: 1, launchedAtMs: now, systemMetadata } as const
      await mustBeOurs(d, s.input, c, change)
    },
    (s, d, c) => putBack(d, s.input.instanceId, s.shelf, c.sagaId),
  )
  .step('end', async (s, d) => {
    if (s.image !== null) await removeImage(d, s.image.id)
  })
  .settled(async (s, outcome: Outcome, tx, at) => {
    if (outcome.status === 'undone') {
      const reached = { image: s.image !== undefined, selection: s.selection !== undefined }
      return settle(s.input, outcome.failure, reached, tx, at)
    }
    await finishEvent(tx, at.nowMs, s.input, buildEvent)
    await finishEvent(tx, at.nowMs, s.input, outer)
  })
  .telling({
    'before place': say('instance.unshelve.start', s => ({ host: s.selection?.host ?? null })),
    done: say('instance.unshelve.end'),
  })
