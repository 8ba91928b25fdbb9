import { Fault } from '#base'
import type { SagaInputs, ServerTask } from '#bus'
import type { BlockDevice, Instance } from '#model'
import { type Outcome, type SettleContext, saga } from '#saga'
import type { Store } from '#store'
import { GuestNotFound } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { stopDoomed } from '../doomed-guest.ts'
import { withVolumeKey } from '../guest-secrets.ts'
import { guestDisk } from '../guest-spec.ts'
import { hostClient } from '../hosts.ts'
import { say } from '../notices.ts'
import { noteLastUse } from '../reconcilers/volume-usage.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { connectVolume, deleteVolume, releaseVolume, reserveVolume } from '../volumes.ts'

type Attach = SagaInputs['volume-attach']
type Detach = SagaInputs['volume-detach']

/** Where the guest is; an offloaded server has none, and its volumes are only held. */
const hostOf = (instance: Instance): string | null => (instance.vmState === 'shelved_offloaded' ? null : instance.host)

/** Without a host it is the API that works, says Nova's log of actions. */
const eventName = (verb: string, host: string | null): string => `${host === null ? 'api' : 'compute'}_${verb}_volume`

async function begun(d: ConductorDeps, input: ServerTask, verb: string): Promise<string | null> {
  const host = hostOf(await d.store.instances.get(input.instanceId))
  await startEvent(d.store, d.clock.now(), input, eventName(verb, host), host)
  return host
}

async function ended(verb: string, input: ServerTask, outcome: Outcome, tx: Store, nowMs: number): Promise<void> {
  const failure = outcome.status === 'undone' ? outcome.failure : undefined
  const instance = await tx.instances.find(input.instanceId)
  const host = instance === undefined ? null : hostOf(instance)
  await finishEvent(tx, nowMs, input, eventName(verb, host), failure)
  if (failure !== undefined) await recordFault(tx, nowMs, input, failure, host)
}

/** The disk and its server; undefined when a delete has been faster. */
async function sceneOf(d: ConductorDeps, input: { instanceId: string; deviceId: string }) {
  const instance = await d.store.instances.find(input.instanceId)
  const device = await d.store.blockDevices.find(input.deviceId)
  return instance === undefined || device === undefined ? undefined : { instance, device }
}

async function plug(d: ConductorDeps, host: string, device: BlockDevice, instance: Instance, key: string) {
  const disk = await withVolumeKey(d, guestDisk(device, instance))
  await hostClient(d, host).attachVolume({ id: instance.id, disk }, { key })
}

async function unplug(d: ConductorDeps, host: string | null, input: ServerTask, volumeId: string | null, key: string) {
  if (host === null || volumeId === null) return
  try {
    await hostClient(d, host).detachVolume({ id: input.instanceId, volumeId }, { key })
  } catch (error) {
    // A guest that is not there has no volumes.
    if (!GuestNotFound.is(error)) throw error
    d.log.warn(
      { instance_id: input.instanceId, volume_id: volumeId },
      'a volume is taken from a guest that is not there',
    )
  }
}

/** Only a host tells of it; a server without one has its volume held and no more. */
function atHost({
  reservation,
}: {
  readonly reservation?: { readonly host: string | null; readonly volumeId: string | null }
}) {
  return reservation?.host == null || reservation.volumeId === null ? undefined : { volumeId: reservation.volumeId }
}

/** One more volume for a server, running or not. Undone: the volume is free, and the server has no trace of it. */
export const volumeAttach = saga<ConductorDeps, Attach, Store>('volume-attach')
  .step(
    'reservation',
    async (s, d) => {
      const scene = await sceneOf(d, s.input)
      const host = await begun(d, s.input, 'attach')
      if (scene !== undefined) await reserveVolume(d, scene.device)
      return { host, volumeId: scene?.device.volumeId ?? null }
    },
    async (s, d) => {
      const device = await d.store.blockDevices.find(s.input.deviceId)
      if (device !== undefined) await releaseVolume(d, device)
    },
  )
  .step('connection', async (s, d) => {
    const scene = await sceneOf(d, s.input)
    if (scene !== undefined && s.reservation.host !== null) await connectVolume(d, scene.device, s.reservation.host)
  })
  .step(
    'guest',
    async (s, d, c) => {
      const scene = await sceneOf(d, s.input)
      const { host } = s.reservation
      if (scene !== undefined && host !== null) await plug(d, host, scene.device, scene.instance, c.key)
    },
    async (s, d, c) => {
      const { host, volumeId } = s.reservation
      if (host !== null && volumeId !== null) await stopDoomed(d, host, s.input.instanceId, c.key)
      await unplug(d, host, s.input, volumeId, c.key)
    },
  )
  .pivot('complete', async (s, d) => {
    const device = await d.store.blockDevices.find(s.input.deviceId)
    // Without a host it is only held, and in use nevertheless: what Nova's callers wait for.
    if (device !== undefined && device.attachmentId !== null)
      await d.volumes.completeAttachment('service', device.attachmentId)
  })
  .settled(async (s, outcome, tx, { nowMs }: SettleContext) => {
    if (outcome.status === 'undone') await tx.blockDevices.remove(s.input.deviceId)
    await ended('attach', s.input, outcome, tx, nowMs)
  })
  .telling({
    'before connection': say('instance.volume_attach.start', atHost),
    undone: say('instance.volume_attach.error', atHost, 'before connection'),
    done: say('instance.volume_attach.end', atHost),
  })

/** Whoever accepted it has told Cinder already; a refusal now is that of a second time. */
async function beginDetaching(d: ConductorDeps, volumeId: string): Promise<void> {
  const { status } = await d.volumes.get('service', volumeId)
  if (status === 'in-use') await d.volumes.beginDetaching('service', volumeId)
}

async function rollDetaching(d: ConductorDeps, volumeId: string): Promise<void> {
  try {
    const { status } = await d.volumes.get('service', volumeId)
    if (status === 'detaching') await d.volumes.rollDetaching('service', volumeId)
  } catch (error) {
    if (!(error instanceof Fault) || error.kind === 'transient') throw error
  }
}

/** Takes a volume away: once the guest has let go of it there is only forward. Undone: it is attached as before. */
export const volumeDetach = saga<ConductorDeps, Detach, Store>('volume-detach')
  .step(
    'detaching',
    async (s, d) => {
      const host = await begun(d, s.input, 'detach')
      if (host !== null) await beginDetaching(d, s.input.volumeId)
      return { host }
    },
    (s, d) => rollDetaching(d, s.input.volumeId),
  )
  .pivot(
    'guest',
    async (s, d, c) => {
      if (s.detaching.host !== null) await noteLastUse(d, s.input.instanceId, s.input.volumeId)
      await unplug(d, s.detaching.host, s.input, s.input.volumeId, c.key)
    },
    async (s, d, c) => {
      const scene = await sceneOf(d, s.input)
      const { host } = s.detaching
      if (scene !== undefined && host !== null && scene.device.connectionInfo !== null)
        await plug(d, host, scene.device, scene.instance, c.key)
    },
  )
  .step('attachment', async (s, d) => {
    const device = await d.store.blockDevices.find(s.input.deviceId)
    if (device === undefined) return
    await releaseVolume(d, device)
    // Nova does so for servers without a host only.
    if (s.detaching.host === null && device.deleteOnTermination)
      await deleteVolume(d, s.input.instanceId, s.input.volumeId)
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    if (outcome.status === 'done') await tx.blockDevices.remove(s.input.deviceId)
    await ended('detach', s.input, outcome, tx, nowMs)
  })
  .telling({
    'before guest': say('instance.volume_detach.start', s =>
      s.detaching?.host == null ? undefined : { volumeId: s.input.volumeId },
    ),
    done: say('instance.volume_detach.end', s => ({ volumeId: s.input.volumeId }), 'before guest'),
  })
