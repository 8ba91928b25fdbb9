import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SagaName } from '#bus'
import { sagas } from '#conductor'
import type { Instance, VmState } from '#model'
import { type Outcome } from '#saga'
import { power } from '#virt'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptDelete, acceptTask } from '../../src/api/accept/task.ts'
import { runOpen } from './engine.ts'
import { intentOn, makeUserPort } from './intent.ts'
import { askConfirm, askEvacuation, askLive, askResize, askRevert, larger } from './moves.ts'
import { describeSweep } from './sweeping.ts'
import { unswept } from './swept.ts'
import { userVolumes, volumeComplaints, volumeDevices } from './volumes.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

type Ask = (cloud: SmallCloud, instance: Instance) => Promise<void>

/** How the server stands when all is over. */
interface End {
  readonly vmState: VmState
  readonly power?: number
  /** Status of the move's record. */
  readonly move: readonly string[]
  /** It is on another host than at first. */
  readonly isMoved?: boolean
  readonly isLarger?: boolean
  /** The first host keeps something of it: the guest set aside, or after an evacuation the guest as it was. */
  readonly leaves?: 'aside' | 'guest'
}

interface Case {
  readonly saga: SagaName
  /** Differs from another case in little: failures after each step are enough. */
  readonly isVariant?: true
  /** What brings the server into the state from which the saga starts. */
  readonly from: readonly Ask[]
  readonly ask: Ask
  readonly done: End
  readonly undone: End
}

const requestId = 'req-00000000-0000-0000-0000-000000000000'

const simple =
  (action: 'stop' | 'pause'): Ask =>
  (cloud, instance) =>
    acceptTask(cloud.api, caller, true, requestId, instance, {
      action,
      word: action,
      saga: `server-${action}`,
      input: {},
    })
const stop = simple('stop')
const pause = simple('pause')
const remove: Ask = (cloud, instance) => acceptDelete(cloud.api, caller, true, requestId, instance, 'delete')

const [running, off, held] = [power.running, power.shutdown, power.paused]
const active: End = { vmState: 'active', power: running, move: ['error'] }
const stopped: End = { vmState: 'stopped', power: off, move: ['error'] }
const resized: End = {
  vmState: 'resized',
  power: running,
  move: ['finished'],
  isMoved: true,
  isLarger: true,
  leaves: 'aside',
}
const gone: End = { vmState: 'deleted', move: ['confirmed'], isMoved: true, isLarger: true }
const failedLive = ['error', 'failed', 'cancelled']
const evacuated: End = { vmState: 'active', power: running, move: ['done'], isMoved: true, leaves: 'guest' }
const lost: End = { vmState: 'error', power: running, move: ['error', 'failed'] }

const cases: Readonly<Record<string, Case>> = {
  resize: { saga: 'server-resize', from: [], ask: askResize(larger), done: resized, undone: active },
  'resize of a stopped server': {
    isVariant: true,
    saga: 'server-resize',
    from: [stop],
    ask: askResize(larger),
    done: { ...resized, power: off },
    undone: stopped,
  },
  'cold migration': {
    isVariant: true,
    saga: 'server-resize',
    from: [],
    ask: askResize(),
    done: { ...resized, isLarger: false },
    undone: active,
  },
  confirm: {
    saga: 'server-confirm-resize',
    from: [askResize(larger)],
    ask: askConfirm,
    done: { vmState: 'active', power: running, move: ['confirmed'], isMoved: true, isLarger: true },
    undone: resized,
  },
  'confirm of a stopped server': {
    isVariant: true,
    saga: 'server-confirm-resize',
    from: [stop, askResize(larger)],
    ask: askConfirm,
    done: { vmState: 'stopped', power: off, move: ['confirmed'], isMoved: true, isLarger: true },
    undone: { ...resized, power: off },
  },
  revert: {
    saga: 'server-revert-resize',
    from: [askResize(larger)],
    ask: askRevert,
    done: { ...active, move: ['reverted'] },
    undone: resized,
  },
  'revert of a stopped server': {
    isVariant: true,
    saga: 'server-revert-resize',
    from: [stop, askResize(larger)],
    ask: askRevert,
    done: { ...stopped, move: ['reverted'] },
    undone: { ...resized, power: off },
  },
  'delete of a resized server': {
    saga: 'server-delete',
    from: [askResize(larger)],
    ask: remove,
    done: gone,
    undone: gone,
  },
  'live migration': {
    saga: 'server-live-migrate',
    from: [],
    ask: askLive,
    done: { vmState: 'active', power: running, move: ['completed'], isMoved: true },
    undone: { ...active, move: failedLive },
  },
  'live migration of a paused server': {
    isVariant: true,
    saga: 'server-live-migrate',
    from: [pause],
    ask: askLive,
    done: { vmState: 'paused', power: held, move: ['completed'], isMoved: true },
    undone: { vmState: 'paused', power: held, move: failedLive },
  },
  evacuation: { saga: 'server-evacuate', from: [], ask: askEvacuation(false), done: evacuated, undone: lost },
  'evacuation that leaves the server off': {
    isVariant: true,
    saga: 'server-evacuate',
    from: [],
    ask: askEvacuation(true),
    done: { ...evacuated, vmState: 'stopped', power: off },
    undone: lost,
  },
}

test('every registered saga of moves is swept', () => {
  const whole = Object.values(cases).filter(({ isVariant }) => isVariant !== true)
  assert.deepEqual(
    unswept(
      'moves-sweep',
      whole.map(({ saga }) => saga),
    ),
    [],
  )
})

/** One server on two hosts, and everything that a move of it touches. */
class Scene {
  readonly #cloud: SmallCloud
  readonly #case: Case
  #id = ''
  #home = ''
  #volumes: readonly string[] = []

  constructor(cloud: SmallCloud, theCase: Case) {
    this.#cloud = cloud
    this.#case = theCase
  }

  async begin(): Promise<string> {
    const { store, api } = this.#cloud
    this.#volumes = await userVolumes(this.#cloud)
    const devices = volumeDevices(this.#volumes)
    const intent = await intentOn(this.#cloud, await makeUserPort(this.#cloud), devices)
    this.#id = (await acceptBuild(api, caller, requestId, intent)).instanceIds[0] ?? ''
    await runOpen(this.#cloud, this.#id)
    this.#home = (await store.instances.get(this.#id)).host ?? ''
    for (const ask of this.#case.from) {
      await ask(this.#cloud, await store.instances.get(this.#id))
      await runOpen(this.#cloud, this.#id)
    }
    await this.#case.ask(this.#cloud, await store.instances.get(this.#id))
    return (await store.sagas.openOf(this.#id))[0] ?? ''
  }

  async complaints(outcome: Outcome): Promise<readonly string[]> {
    const end = outcome.status === 'done' ? this.#case.done : this.#case.undone
    const instance = await this.#cloud.store.instances.get(this.#id, { withDeleted: true })
    const found = [...(await this.#inWorld(instance, end)), ...(await this.#cloud.strayDisks())]
    const expect = (what: string, is: unknown, wanted: unknown) => {
      if (is !== wanted) found.push(`${what} is ${String(is)} instead of ${String(wanted)}`)
    }
    expect('vm_state', instance.vmState, end.vmState)
    expect('task_state', instance.taskState, null)
    expect('saga', instance.sagaId, null)
    expect('flavor', instance.flavor.flavorId, end.isLarger === true ? larger.flavorId : 'tiny')
    if (instance.vmState !== 'deleted') {
      expect('old vm_state kept', 'old_vm_state' in instance.systemMetadata, instance.vmState === 'resized')
      expect('host', instance.host === this.#home, end.isMoved !== true)
      expect('interfaces', instance.networkInfo.length, 2)
    }
    expect('secret', await this.#cloud.store.launchSecrets.find(this.#id), undefined)
    const moves = await this.#cloud.store.moves.list({ filter: { instanceId: this.#id } })
    expect('moves', moves.length, 1)
    if (!end.move.includes(moves[0]?.status ?? '')) found.push(`the move is ${moves[0]?.status}`)
    expect('pending growth', (moves[0]?.pending.vcpus ?? 0) + (moves[0]?.pending.memoryMiB ?? 0), 0)
    const hasFault = (await this.#cloud.store.faults.newest([this.#id])).has(this.#id)
    expect('fault', hasFault, outcome.status === 'undone')
    return found
  }

  /** Guests, allocations, ports. */
  async #inWorld(instance: Instance, end: End): Promise<string[]> {
    const { drivers, placement, store } = this.#cloud
    const found: string[] = []
    const expect = (what: string, is: unknown, wanted: unknown) => {
      if (JSON.stringify(is) !== JSON.stringify(wanted))
        found.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`)
    }
    const away = [...drivers.keys()].find(host => host !== this.#home) ?? ''
    const at = end.isMoved === true ? away : this.#home
    const isDeleted = end.vmState === 'deleted'
    const nodes = new Map((await store.computeNodes.list()).map(node => [node.host, node.uuid]))
    for (const [host, driver] of drivers) {
      const guests = (await driver.list()).map(guest => guest.power)
      const remains = host === this.#home && end.leaves === 'guest' ? [running] : []
      expect(`guests on ${host}`, guests, host === at && !isDeleted ? [end.power] : remains)
      const aside = await driver.coldMigration.setAside()
      expect(`set aside on ${host}`, aside.length, host === this.#home && end.leaves === 'aside' ? 1 : 0)
    }
    const held = async (consumer: string) => (await placement.port.consumer(consumer)).allocations
    const { vcpus, memoryMiB, rootGiB } = instance.flavor
    const amounts = { VCPU: vcpus, MEMORY_MB: memoryMiB, DISK_GB: rootGiB }
    expect('allocation', await held(instance.id), isDeleted ? {} : { [nodes.get(at) ?? '']: amounts })
    const living = new Map([...drivers].filter(([host]) => host === at))
    const volumes = { attached: isDeleted ? 0 : 2, isHeldOnly: false }
    found.push(...(await volumeComplaints({ ...this.#cloud, drivers: living }, instance.id, this.#volumes, volumes)))
    for (const volume of await this.#cloud.api.volumes.list('service'))
      for (const { hostName } of volume.attachments) expect(`volume ${volume.name} on`, hostName, at)
    const [move] = await store.moves.list({ filter: { instanceId: instance.id } })
    const keeps = end.leaves === undefined ? [] : [nodes.get(this.#home)]
    expect('allocation of the move', Object.keys(await held(move?.uuid ?? '')), keeps)
    for (const port of await this.#cloud.network.port.ports('service', { deviceId: instance.id })) {
      expect(`port on`, port.bindingHost, at)
      const bindings = await this.#cloud.network.face.inject({
        method: 'GET',
        url: `/v2.0/ports/${port.id}/bindings`,
        headers: { 'x-auth-token': caller.token },
      })
      expect(
        'bindings',
        bindings.json().bindings.map((b: { host: string }) => b.host),
        [at],
      )
    }
    return found
  }
}

for (const [name, theCase] of Object.entries(cases)) {
  describeSweep(
    `sweep ${name}`,
    sagas[theCase.saga],
    async () => {
      const cloud = await smallCloud()
      return { cloud, scene: new Scene(cloud, theCase) }
    },
    points => (theCase.isVariant ? points.filter(({ kind, phase }) => kind === 'fail' && phase === 'after') : points),
  )
}
