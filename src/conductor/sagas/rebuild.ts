import { instanceId } from '#base'
import type { SagaInputs } from '#bus'
import { type Instance, InstanceChanged, type InstanceImage, InstanceNotReady, NoValidHost } from '#model'
import { saga } from '#saga'
import type { InstanceChange, Store } from '#store'
import { power } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { gracefulMs } from '../graceful.ts'
import { specOf } from '../guest-spec.ts'
import { hostClient, unlessAborted } from '../hosts.ts'
import { isCancel, say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { reconnectRoot, reimageRoot } from '../reimage.ts'
import { askScheduler } from '../scheduling.ts'

const scheduleEvent = 'rebuild_server'
const event = 'compute_rebuild_instance'

type Input = SagaInputs['server-rebuild']

/** The image asks for things by trait; the server stays where it is, so its host must have them. */
async function mustHaveTraits(d: ConductorDeps, instance: Instance, image: InstanceImage): Promise<void> {
  const asked = Object.entries(image.properties).filter(([name]) => name.startsWith('trait:'))
  if (asked.length === 0) return
  const { allocations } = await d.placement.consumer(instance.id)
  const there = new Set<string>()
  for (const provider of Object.keys(allocations))
    for (const trait of await d.placement.traits(provider)) there.add(trait)
  const missing = asked.filter(([name, how]) => how === 'required' && !there.has(name.slice('trait:'.length)))
  if (missing.length === 0) return
  throw NoValidHost({
    reason:
      'Image traits cannot be satisfied by the current resource providers. Either specify a different image during rebuild or create a new server with the specified image.',
  })
}

/** With a new image the scheduler has a look whether the server may stay; Nova's hint tells it that this is all it asks. */
async function mayStay(d: ConductorDeps, input: Input, instance: Instance, signal: AbortSignal): Promise<void> {
  const spec = await d.store.requestSpecs.find(instance.id)
  if (spec === undefined) return
  await mustHaveTraits(d, instance, input.image)
  const asked = {
    spec: {
      ...spec,
      hints: { ...spec.hints, _nova_check_type: ['rebuild'] },
      destination: { host: instance.host, node: instance.node, isForced: true },
    },
    instanceIds: [instance.id],
  }
  const result = await unlessAborted(signal, askScheduler(d, asked, { requestId: input.requestId }))
  if (result.ok) return
  const detail = result.refusals.map(r => `${r.host}: ${r.filter}: ${r.reason}`).join('\n')
  throw NoValidHost({ reason: result.message }, { detail })
}

async function go(d: ConductorDeps, id: string, sagaId: string, change: InstanceChange): Promise<void> {
  if (!(await d.store.instances.change(instanceId(id), change, d.clock.now(), { sagaId })))
    throw InstanceChanged({ id })
}

/**
 * Makes the server anew on its host: from the image that its record names since the request was accepted, with the same
 * name, addresses and volumes.
 *
 * Until the guest is touched everything is taken back, the record too. From then on the old disk is gone: a failure leaves
 * the server in error, with the new image, and another rebuild mends it. A server that was off is turned off again.
 */
export const serverRebuild = saga<ConductorDeps, Input, Store>('server-rebuild')
  .step('place', async (s, d, c) => {
    const instance = await d.store.instances.get(s.input.instanceId)
    const { host } = instance
    await startEvent(d.store, d.clock.now(), s.input, scheduleEvent, host)
    if (host === null) throw InstanceNotReady({ id: instance.id })
    if (s.input.isNewImage) await mayStay(d, s.input, instance, c.signal)
    await finishEvent(d.store, d.clock.now(), s.input, scheduleEvent)
    return { host, wasStopped: instance.vmState === 'stopped' }
  })
  .step('devices', async (s, d, c) => {
    await startEvent(d.store, d.clock.now(), s.input, event, s.place.host)
    await go(d, s.input.instanceId, c.sagaId, { taskState: 'rebuild_block_device_mapping' })
    await go(d, s.input.instanceId, c.sagaId, { taskState: 'rebuild_spawning' })
  })
  .step(
    'root',
    async (s, d, c) => {
      if (!s.input.isNewImage || !s.input.isOnVolume) return
      const instance = await d.store.instances.get(s.input.instanceId)
      await reimageRoot(d, instance, { host: s.place.host, imageId: s.input.image.id }, c)
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined || !s.input.isNewImage || !s.input.isOnVolume) return
      await reconnectRoot(d, instance, s.place.host, c)
    },
  )
  .pivot('guest', async (s, d, c) => {
    const instance = await d.store.instances.get(s.input.instanceId)
    for (const vif of instance.networkInfo) await d.plugger?.plug(vif.portId)
    const secret = await d.store.launchSecrets.find(instance.id)
    const drive = instance.hasConfigDrive ? { configDrive: await d.configDrive(instance.id, secret) } : {}
    const how = { keepsEphemeral: s.input.keepsEphemeral, gracefulMs: gracefulMs(d, instance) }
    const asked = { spec: { ...(await specOf(d, instance)), ...drive }, how }
    return unlessAborted(c.signal, hostClient(d, s.place.host).rebuild(asked, { key: c.key }))
  })
  .step('off', async (s, d, c) => {
    if (!s.place.wasStopped) return { power: s.guest.power }
    await d.store.instances.change(
      instanceId(s.input.instanceId),
      { vmState: 'active', taskState: 'powering-off', powerState: s.guest.power },
      d.clock.now(),
      { sagaId: c.sagaId },
    )
    const instance = await d.store.instances.get(s.input.instanceId)
    const graceful = { id: instance.id, gracefulMs: gracefulMs(d, instance) }
    return hostClient(d, s.place.host).stop(graceful, { key: c.key })
  })
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    const id = instanceId(s.input.instanceId)
    await tx.launchSecrets.forget(id)
    if (outcome.status === 'done') {
      const vmState = s.place?.wasStopped === true ? 'stopped' : 'active'
      const powerState = s.off?.power ?? power.noState
      await tx.instances.change(id, { vmState, powerState, launchedAtMs: nowMs, progress: 100 }, nowMs, { sagaId })
      return finishEvent(tx, nowMs, s.input, event)
    }
    const { failure } = outcome
    await finishEvent(tx, nowMs, s.input, s.place === undefined ? scheduleEvent : event, failure)
    const instance = await tx.instances.find(id)
    if (instance?.sagaId !== sagaId) return
    const isTouched = s.devices !== undefined
    if (!isTouched) await restoreRecord(tx, s.input, nowMs)
    // Nova tells this one by an error, although nothing has happened to the guest.
    if (isTouched || NoValidHost.code === failure.code) await tx.instances.change(id, { vmState: 'error' }, nowMs)
    await recordFault(tx, nowMs, s.input, failure, instance.host)
  })
  .telling({
    'after place': say('instance.rebuild_scheduled', s => ({ host: s.place?.host ?? null })),
    'before devices': [say('instance.exists'), say('instance.rebuild.start')],
    undone: [
      say('compute_task.rebuild_server.error', (s, failure) =>
        s.place === undefined && !isCancel(failure) ? { spec: null, state: 'error' } : undefined,
      ),
      say('instance.rebuild.error', () => ({}), 'before devices'),
    ],
    done: say('instance.rebuild.end'),
  })

/** As it was when the request came. */
async function restoreRecord(tx: Store, { instanceId: id, before, specImage }: Input, nowMs: number): Promise<void> {
  await tx.instances.change(instanceId(id), before, nowMs)
  const spec = await tx.requestSpecs.find(id)
  if (spec !== undefined) await tx.requestSpecs.save(id, { ...spec, image: specImage })
}
