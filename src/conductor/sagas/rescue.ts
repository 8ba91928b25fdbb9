import { instanceId } from '#base'
import type { SagaInputs, ServerTask } from '#bus'
import { type InstanceImage, InstanceNotReady, InstanceNotRescuable } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { power, type RescueWish } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { rescueBootOf } from '../direct-boot.ts'
import { withImageKey } from '../disk-keys.ts'
import { gracefulMs } from '../graceful.ts'
import { guestImage } from '../guest-spec.ts'
import { hostClient, isHostUp, unlessAborted } from '../hosts.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { noteShareFailure, startSpecOf } from '../shares.ts'
import { powerSaga } from './power.ts'

const event = 'compute_rescue_instance'

const devices = ['disk', 'cdrom', 'floppy'] as const

/** An image that says how it wants to be attached is attached so, and the server's own disks keep their places. */
function stablePlace({ properties }: InstanceImage): RescueWish['stable'] {
  const { hw_rescue_device: device, hw_rescue_bus: bus } = properties
  if (device === undefined && bus === undefined) return null
  return { device: devices.find(d => d === device) ?? 'disk', bus: bus ?? null }
}

/** What the rescued guest is told on its drive: the password, which is kept nowhere but for this. */
async function wishFor(d: ConductorDeps, { instanceId: id, image }: SagaInputs['server-rescue']): Promise<RescueWish> {
  const instance = await d.store.instances.get(id)
  const drive = instance.hasConfigDrive ? await d.configDrive(id, await d.store.launchSecrets.find(id)) : undefined
  return {
    image: await withImageKey(d, image),
    gracefulMs: gracefulMs(d, instance),
    stable: stablePlace(image),
    ...(await rescueBootOf(d, guestImage(instance))),
    ...(drive === undefined ? {} : { configDrive: drive }),
  }
}

const ofImage = ({ input }: { readonly input: SagaInputs['server-rescue'] }) => ({ rescueImageId: input.image.id })

/**
 * Boots the server from another disk, so that its owner can mend its own. Undone: the server runs from its own disk again,
 * or is off if it was off before.
 */
export const serverRescue = saga<ConductorDeps, SagaInputs['server-rescue'], Store>('server-rescue')
  .step('before', async (s, d, c) => {
    const { id, host } = await d.store.instances.get(s.input.instanceId)
    if (host === null) throw InstanceNotReady({ id })
    await startEvent(d.store, d.clock.now(), s.input, event, host)
    const client = hostClient(d, host)
    const { names } = await unlessAborted(c.signal, client.facets({}))
    if (!names.includes('rescue'))
      throw InstanceNotRescuable({ id, reason: 'this hypervisor cannot boot a guest from a rescue image' })
    return { host, power: (await unlessAborted(c.signal, client.state({ id }))).power }
  })
  .step(
    'guest',
    async (s, d, c) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      for (const vif of instance.networkInfo) await d.plugger?.plug(vif.portId)
      const asked = { spec: await startSpecOf(d, instance), wish: await wishFor(d, s.input) }
      return unlessAborted(c.signal, hostClient(d, s.before.host).rescue(asked, { key: c.key }))
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      const client = hostClient(d, s.before.host)
      // A delete has taken the server over: it removes the guest.
      if (instance?.sagaId !== c.sagaId) return
      if (!(await isHostUp(d, s.before.host))) {
        // Nobody can say from which disk the guest runs; a hard reboot makes it its own again.
        await d.store.instances.change(instance.id, { vmState: 'error' }, d.clock.now(), { sagaId: c.sagaId })
        return
      }
      await client.unrescue({ spec: await startSpecOf(d, instance) }, { key: c.key })
      if (s.before.power !== power.running) await client.stop({ id: instance.id, gracefulMs: 0 }, { key: c.key })
    },
  )
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    const id = instanceId(s.input.instanceId)
    await tx.launchSecrets.forget(id)
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    if (failure !== undefined) {
      await recordFault(tx, nowMs, s.input, failure, s.before?.host ?? null)
      return noteShareFailure(tx, id, failure, { sagaId, nowMs })
    }
    await tx.serverShares.changeAllOf(id, 'active', nowMs)
    const change = { vmState: 'rescued', powerState: s.guest?.power ?? power.running, launchedAtMs: nowMs } as const
    await tx.instances.change(id, change, nowMs, { sagaId })
  })
  .telling({
    'before guest': say('instance.rescue.start', ofImage),
    'after guest': say('instance.exists'),
    done: say('instance.rescue.end', ofImage),
  })

export const serverUnrescue = powerSaga<ServerTask>('server-unrescue', {
  event: 'compute_unrescue_instance',
  notices: ['instance.unrescue.start', 'instance.unrescue.end'],
  vmState: 'active',
  isBoot: true,
  ask: async (host, instance, _input, d, c) => host.unrescue({ spec: await startSpecOf(d, instance) }, { key: c.key }),
})
