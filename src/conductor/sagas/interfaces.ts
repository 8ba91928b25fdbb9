import type { SagaInputs } from '#bus'
import { type Instance, InstanceNotReady, type Vif } from '#model'
import { saga } from '#saga'
import { releasePort, type Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { stopDoomed } from '../doomed-guest.ts'
import { guestVif } from '../guest-spec.ts'
import { hostClient } from '../hosts.ts'
import { connect, disconnect, preservedPorts, securityGroupNames } from '../interfaces.ts'
import { say } from '../notices.ts'
import { giveUpPort } from '../port-profiles.ts'
import { findRoom, holdExactly, holdingWithout, rememberWish, takeDevice, takeRoom } from '../port-room.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { seatOf } from '../seat.ts'

async function placed(d: ConductorDeps, id: string): Promise<Instance & { host: string }> {
  const instance = await d.store.instances.get(id)
  if (instance.host === null) throw InstanceNotReady({ id })
  return { ...instance, host: instance.host }
}

/** The interface with the card behind it, if it has one. */
const pluggable = async (d: ConductorDeps, instance: Instance, vif: Vif) =>
  guestVif(vif, instance, (await seatOf(d, instance.id)).hostDevices)

/** Adds what is new to the record's interfaces, or takes away what has gone; groups follow the ports. */
async function rewrite(d: ConductorDeps, id: string, change: (now: readonly Vif[]) => readonly Vif[]): Promise<void> {
  const instance = await d.store.instances.get(id)
  const securityGroups = await securityGroupNames(d, instance)
  await d.store.instances.rewriteNetwork(instance.id, change)
  await d.store.instances.change(instance.id, { securityGroups }, d.clock.now())
}

/**
 * A running or stopped server gets one more interface. Undone: the port is as it was, or gone if we made it.
 *
 * What the port wants of the host is found first and written down as what the server holds before and after: amounts that
 * are set, not added, come out the same however often a step runs.
 */
export const interfaceAttach = saga<ConductorDeps, SagaInputs['interface-attach'], Store>('interface-attach')
  .step('room', async (s, d) => {
    const instance = await placed(d, s.input.instanceId)
    await startEvent(d.store, d.clock.now(), s.input, 'compute_attach_interface', instance.host)
    return (await findRoom(d, instance, s.input)) ?? null
  })
  .step(
    'amounts',
    async (s, d) => {
      if (s.room !== null) await takeRoom(d, await placed(d, s.input.instanceId), s.room)
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      const amounts = s.room?.amounts ?? null
      if (instance !== undefined && amounts !== null) await holdExactly(d, instance, amounts.before)
    },
  )
  .step(
    'place',
    async (s, d) => {
      if (s.room !== null) await takeDevice(d, await placed(d, s.input.instanceId), s.input, s.room)
    },
    async (s, d) => {
      const { portId } = s.input.network
      if (s.room !== null && portId !== null) await releasePort(d.store, s.input.instanceId, portId)
    },
  )
  .step(
    'port',
    async (s, d): Promise<Vif | undefined> => {
      const instance = await placed(d, s.input.instanceId)
      const { vifs } = await connect(d, instance, { host: instance.host, zone: s.input.zone }, [s.input.network], [])
      return vifs[0]
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      const kept = new Set(instance?.networkInfo.map(v => v.portId))
      const mine = await d.network.ports('service', { deviceId: s.input.instanceId })
      const added = new Set(mine.map(p => p.id).filter(id => !kept.has(id)))
      await disconnect(d, s.input.instanceId, preservedPorts(undefined, [s.input.network]), added)
    },
  )
  .step(
    'guest',
    async (s, d, c) => {
      const instance = await placed(d, s.input.instanceId)
      if (s.port === undefined || instance.vmState === 'stopped') return
      const vif = await pluggable(d, instance, s.port)
      await hostClient(d, instance.host).attachVif({ id: instance.id, vif }, { key: c.key })
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (s.port === undefined || instance === undefined || instance.host === null) return
      await stopDoomed(d, instance.host, instance.id, c.key)
      await hostClient(d, instance.host).detachVif({ id: instance.id, mac: s.port.mac }, { key: c.key })
    },
  )
  .pivot(
    'record',
    async (s, d) => {
      const { port } = s
      await rememberWish(d, s.input.instanceId, s.input)
      if (port !== undefined)
        await rewrite(d, s.input.instanceId, now => [...now.filter(v => v.portId !== port.portId), port])
    },
    async (s, d) => {
      await rewrite(d, s.input.instanceId, now => now.filter(v => v.portId !== s.port?.portId))
      if (s.port !== undefined) await giveUpPort(d, s.input.instanceId, s.port.portId)
    },
  )
  .settled(async (s, outcome, tx, { nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, 'compute_attach_interface', failure)
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, null)
  })
  .telling({
    'before room': say('instance.interface_attach.start'),
    undone: say('instance.interface_attach.error', () => ({}), 'before room'),
    done: say('instance.interface_attach.end'),
  })

/** Takes one interface away: once the guest has let go of it there is only forward. */
export const interfaceDetach = saga<ConductorDeps, SagaInputs['interface-detach'], Store>('interface-detach')
  .pivot(
    'guest',
    async (s, d, c) => {
      const instance = await placed(d, s.input.instanceId)
      await startEvent(d.store, d.clock.now(), s.input, 'compute_detach_interface', instance.host)
      const vif = instance.networkInfo.find(v => v.portId === s.input.portId)
      if (vif === undefined || instance.vmState === 'stopped') return
      await hostClient(d, instance.host).detachVif({ id: instance.id, mac: vif.mac }, { key: c.key })
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      const vif = instance?.networkInfo.find(v => v.portId === s.input.portId)
      if (instance === undefined || instance.host === null || vif === undefined || instance.vmState === 'stopped')
        return
      const pluggedBack = await pluggable(d, instance, vif)
      await hostClient(d, instance.host).attachVif({ id: instance.id, vif: pluggedBack }, { key: c.key })
    },
  )
  .step('left', async (s, d) => (await holdingWithout(d, s.input.instanceId, s.input.portId)) ?? null)
  .step('amounts', async (s, d) => {
    const instance = await d.store.instances.find(s.input.instanceId)
    if (s.left !== null && instance !== undefined) await holdExactly(d, instance, s.left)
  })
  .step('port', async (s, d) => {
    const instance = await d.store.instances.find(s.input.instanceId)
    await disconnect(d, s.input.instanceId, preservedPorts(instance), new Set([s.input.portId]))
    await giveUpPort(d, s.input.instanceId, s.input.portId)
  })
  .step('record', (s, d) => rewrite(d, s.input.instanceId, now => now.filter(v => v.portId !== s.input.portId)))
  .settled(async (s, outcome, tx, { nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, 'compute_detach_interface', failure)
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, null)
  })
  .telling({
    'before guest': say('instance.interface_detach.start'),
    done: say('instance.interface_detach.end'),
  })
