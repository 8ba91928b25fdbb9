import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SagaInputs, SagaName, ServerTask } from '#bus'
import { sagas } from '#conductor'
import type { ActionName, Instance, VmState } from '#model'
import { type AnyDefinition, type Outcome } from '#saga'
import { type Store } from '#store'
import { power } from '#virt'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptBackup, acceptShelve, acceptSnapshot } from '../../src/api/accept/snapshots.ts'
import { acceptDelete, acceptTask, type TaskRequest } from '../../src/api/accept/task.ts'
import { beginHeal } from '../../src/conductor/reconcilers/audit/allocations.ts'
import { engineOf, runOpen } from './engine.ts'
import { image, intentOn, makeUserPort } from './intent.ts'
import type { MoveName } from './moves.ts'
import { shareCases, shareComplaints, userShare } from './shares.ts'
import { describeSweep } from './sweeping.ts'
import { unswept } from './swept.ts'
import { userVolumes, volumeCases, volumeComplaints, volumeDevices } from './volumes.ts'
import { caller, imageId, type SmallCloud, smallCloud } from './world.ts'

/** How a saga is asked for, and what is true afterwards when it was done. */
interface Case {
  /** Brings the server into the state from which the saga starts. */
  readonly from: readonly OneServer[]
  readonly ask: (cloud: SmallCloud, instance: Instance, shareId: string) => Promise<unknown>
  readonly vmState: VmState
  /** Power of the guest; undefined = no guest. */
  readonly power: number | undefined
  /** What vm_state may be when it was undone; the one before unless said otherwise. */
  readonly undone?: readonly VmState[]
  /** An error of it leaves the server what it had. */
  readonly keepsGuest?: true
  readonly interfaces?: number
  /** Images besides that of the server when it was done; as many as before unless said otherwise. */
  readonly images?: number
  /** Of the conductor, where they differ. */
  readonly options?: Partial<SmallCloud['conductor']['options']>
  /** Attached volumes when it was done; two by default. */
  readonly volumes?: number
  /** Shares when it was done; as many as before unless said otherwise. */
  readonly shares?: number
  /** Size of the user's volume in record and guest when it was done. */
  readonly ownGiB?: number
}

const requestId = 'req-00000000-0000-0000-0000-000000000000'

const asking = { caller, isAdmin: true, requestId }
const staysOnHost = { shelvedOffloadMs: -1 }

const task =
  <N extends SagaName>(request: TaskRequest<N>) =>
  (cloud: SmallCloud, instance: Instance) =>
    acceptTask(cloud.api, caller, true, requestId, instance, request)

/** Sagas that are told nothing but the server. */
type PlainSaga = { [N in SagaName]: ServerTask extends SagaInputs[N] ? N : never }[SagaName]
const simple = (action: ActionName, saga: PlainSaga) => task({ action, word: action, saga, input: {} as never })

const withSecret = (instance: Instance) => ({
  alsoWrite: (tx: Store) => tx.launchSecrets.keep(instance.id, { adminPassword: 'gocubsgo', files: [] }),
})
const otherImage = { ...image, id: '155d900f-4e14-4e4c-a73d-069cbf4541e6' }

/** Others place several servers (reservation.test.ts), are about a host (instance-ha.test.ts), or move one between hosts (moves-sweep.test.ts). */
type OneServer = Exclude<SagaName, 'reservation-place' | 'host-fence' | MoveName>

const cases: Record<OneServer, Case> = {
  'server-build': { from: [], ask: async () => undefined, vmState: 'active', power: power.running, undone: ['error'] },
  'server-delete': {
    from: ['server-build'],
    ask: (cloud, instance) => acceptDelete(cloud.api, caller, true, requestId, instance, 'delete'),
    vmState: 'deleted',
    power: undefined,
  },
  'server-stop': {
    from: ['server-build'],
    ask: simple('stop', 'server-stop'),
    vmState: 'stopped',
    power: power.shutdown,
  },
  'server-start': {
    from: ['server-build', 'server-stop'],
    ask: simple('start', 'server-start'),
    vmState: 'active',
    power: power.running,
  },
  'server-pause': {
    from: ['server-build'],
    ask: simple('pause', 'server-pause'),
    vmState: 'paused',
    power: power.paused,
  },
  'server-unpause': {
    from: ['server-build', 'server-pause'],
    ask: simple('unpause', 'server-unpause'),
    vmState: 'active',
    power: power.running,
  },
  'server-reboot': {
    from: ['server-build'],
    ask: task({ action: 'rebootHard', word: 'reboot', saga: 'server-reboot', input: { kind: 'hard' } }),
    vmState: 'active',
    power: power.running,
  },
  'server-snapshot': {
    from: ['server-build'],
    ask: async (cloud, instance) => {
      await acceptSnapshot(cloud.api, asking, instance, { name: 'a snapshot', metadata: {} })
    },
    vmState: 'active',
    power: power.running,
    images: 1,
  },
  'server-backup': {
    // The first one is rotated out by the second.
    from: ['server-build', 'server-backup'],
    ask: async (cloud, instance) => {
      const backup = { name: 'a backup', backupType: 'daily', rotation: 1, metadata: {} }
      await acceptBackup(cloud.api, asking, instance, backup)
    },
    vmState: 'active',
    power: power.running,
    images: 1,
  },
  'server-shelve': {
    from: ['server-build'],
    ask: (cloud, instance) => acceptShelve(cloud.api, asking, instance),
    vmState: 'shelved_offloaded',
    power: undefined,
    images: 1,
  },
  'server-shelve-offload': {
    from: ['server-build', 'server-shelve'],
    ask: task({ action: 'shelveOffload', word: 'shelveOffload', saga: 'server-shelve-offload', input: {} }),
    vmState: 'shelved_offloaded',
    power: undefined,
    options: staysOnHost,
  },
  'server-unshelve': {
    from: ['server-build', 'server-shelve'],
    ask: task({ action: 'unshelve', word: 'unshelve', saga: 'server-unshelve', input: { host: null } }),
    vmState: 'active',
    power: power.running,
    images: 0,
  },
  'server-unshelve-start': {
    from: ['server-build', 'server-shelve'],
    ask: task({ action: 'unshelve', word: 'unshelve', saga: 'server-unshelve-start', input: {} }),
    vmState: 'active',
    power: power.running,
    images: 0,
    options: staysOnHost,
  },
  'server-suspend': {
    from: ['server-build'],
    ask: simple('suspend', 'server-suspend'),
    vmState: 'suspended',
    power: power.suspended,
  },
  'server-resume': {
    from: ['server-build', 'server-suspend'],
    ask: simple('resume', 'server-resume'),
    vmState: 'active',
    power: power.running,
  },
  'server-rescue': {
    from: ['server-build'],
    ask: (cloud, instance) =>
      task({
        action: 'rescue',
        word: 'rescue',
        saga: 'server-rescue',
        input: { image: otherImage },
        ...withSecret(instance),
      })(cloud, instance),
    vmState: 'rescued',
    power: power.running,
  },
  'server-unrescue': {
    from: ['server-build', 'server-rescue'],
    ask: simple('unrescue', 'server-unrescue'),
    vmState: 'active',
    power: power.running,
  },
  // A server that was off is rebuilt and turned off again: the longest way.
  'server-rebuild': {
    from: ['server-build', 'server-stop'],
    ask: (cloud, instance) =>
      task({
        action: 'rebuild',
        word: 'rebuild',
        saga: 'server-rebuild',
        input: {
          image: otherImage,
          isNewImage: true,
          isOnVolume: false,
          keepsEphemeral: false,
          specImage: image,
          before: { image },
        },
        change: { image: otherImage },
        ...withSecret(instance),
      })(cloud, instance),
    vmState: 'stopped',
    power: power.shutdown,
    undone: ['stopped', 'error'],
    keepsGuest: true,
  },
  'server-set-password': {
    from: ['server-build'],
    ask: (cloud, instance) =>
      task({
        action: 'changePassword',
        word: 'changePassword',
        saga: 'server-set-password',
        input: {},
        ...withSecret(instance),
      })(cloud, instance),
    vmState: 'active',
    power: power.running,
  },
  'server-crash-dump': {
    from: ['server-build'],
    ask: simple('triggerCrashDump', 'server-crash-dump'),
    vmState: 'active',
    power: power.running,
  },
  'server-soft-delete': {
    from: ['server-build'],
    ask: simple('softDelete', 'server-soft-delete'),
    vmState: 'soft-delete',
    power: power.shutdown,
  },
  'server-restore': {
    from: ['server-build', 'server-soft-delete'],
    ask: simple('restore', 'server-restore'),
    vmState: 'active',
    power: power.running,
  },
  // Nobody asks for it; here because placement has forgotten the server.
  'allocation-heal': {
    from: ['server-build'],
    ask: async (cloud, instance) => {
      await cloud.placement.port.release(instance.id)
      await beginHeal(cloud.conductor, instance.id)
    },
    vmState: 'active',
    power: power.running,
  },
  'interface-attach': {
    from: ['server-build'],
    ask: (cloud, instance) =>
      task({
        action: 'attachInterface',
        word: 'attach_interface',
        saga: 'interface-attach',
        input: { network: { networkId: cloud.networkId, portId: null, fixedIp: null, tag: null }, zone: 'nova' },
      })(cloud, instance),
    vmState: 'active',
    power: power.running,
    interfaces: 3,
  },
  'interface-detach': {
    from: ['server-build'],
    ask: (cloud, instance) =>
      task({
        action: 'detachInterface',
        word: 'detach_interface',
        saga: 'interface-detach',
        input: { portId: instance.networkInfo[0]?.portId ?? '' },
      })(cloud, instance),
    vmState: 'active',
    power: power.running,
    interfaces: 1,
  },
  ...volumeCases,
  ...shareCases,
}

/** One server of the given cloud, and what belongs to it. */
class Scene {
  readonly cloud: SmallCloud
  readonly #case: Case
  readonly #definition: AnyDefinition
  #id = ''
  #userPort = ''
  #before: VmState = 'building'
  #imagesBefore = 0
  #volumes: readonly string[] = []
  #share = ''

  constructor(cloud: SmallCloud, definition: AnyDefinition, theCase: Case) {
    this.cloud = cloud
    this.#case = theCase
    this.#definition = definition
  }

  async begin(): Promise<string> {
    const { cloud } = this
    this.#userPort = await makeUserPort(cloud)
    this.#volumes = await userVolumes(cloud)
    this.#share = await userShare(cloud)
    const intent = await intentOn(cloud, this.#userPort, volumeDevices(this.#volumes))
    const accepted = await acceptBuild(cloud.api, caller, requestId, intent)
    this.#id = accepted.instanceIds[0] ?? ''
    for (const name of this.#case.from) {
      if (name !== 'server-build') await cases[name].ask(cloud, await cloud.store.instances.get(this.#id), this.#share)
      await this.#runPlain(sagas[name])
    }
    this.#before = (await cloud.store.instances.get(this.#id)).vmState
    this.#imagesBefore = (await this.#snapshots()).length
    await this.#case.ask(cloud, await cloud.store.instances.get(this.#id), this.#share)
    const open = await cloud.store.sagas.openOf(this.#id)
    assert.equal(open.length, 1, `one ${this.#definition.name} is accepted`)
    return open[0] ?? ''
  }

  /** Images that are not the one of the server. */
  async #snapshots() {
    return (await this.cloud.images.port.list('service')).filter(image => image.id !== imageId)
  }

  #runPlain(definition: AnyDefinition): Promise<void> {
    return runOpen(this.cloud, this.#id, engineOf(this.cloud, { definitions: [definition] }))
  }

  async complaints(outcome: Outcome): Promise<readonly string[]> {
    const found: string[] = []
    const note = (isWrong: boolean, what: string) => {
      if (isWrong) found.push(what)
    }
    const { store } = this.cloud
    const instance = await store.instances.get(this.#id, { withDeleted: true })
    const isDone = outcome.status === 'done'
    const expected = isDone ? [this.#case.vmState] : (this.#case.undone ?? [this.#before])
    const { vmState } = instance
    note(!expected.includes(vmState), `vm_state ${vmState} instead of ${expected}`)
    note(instance.taskState !== null || instance.sagaId !== null, `task_state ${instance.taskState} is left`)
    note((await store.sagas.openOf(this.#id)).length > 0, 'a saga is left open')
    note((await store.launchSecrets.find(this.#id)) !== undefined, 'the secret of the launch is left')
    const fault = (await store.faults.newest([this.#id])).get(this.#id)
    note(!isDone && fault === undefined && vmState === 'error', 'an error without a fault')
    const lives = vmState === 'error' ? this.#case.keepsGuest === true : vmState !== 'deleted'
    found.push(...(await this.#guestComplaints(instance, lives && vmState !== 'shelved_offloaded', isDone)))
    found.push(...(await this.#portComplaints(instance, lives, isDone)))
    found.push(...(await this.cloud.strayDisks()))
    for (const claim of await store.hostClaims.all())
      note(!lives || claim.consumerId !== this.#id, `claim of ${claim.consumerId} on a host`)
    const shares = isDone ? this.#case.shares : undefined
    found.push(...(await shareComplaints(this.cloud, instance, this.#share, shares)))
    const snapshots = await this.#snapshots()
    const images = isDone ? (this.#case.images ?? this.#imagesBefore) : this.#imagesBefore
    note(snapshots.length !== images, `${snapshots.length} images instead of ${images}`)
    for (const image of snapshots) note(image.status !== 'active', `an image is ${image.status}`)
    return found
  }

  async #guestComplaints(instance: Instance, lives: boolean, isDone: boolean): Promise<readonly string[]> {
    const found: string[] = []
    const note = (isWrong: boolean, what: string) => {
      if (isWrong) found.push(what)
    }
    const guests = []
    for (const [host, driver] of this.cloud.drivers)
      for (const guest of await driver.list()) guests.push({ host, ...guest })
    note(guests.length !== (lives ? 1 : 0), `${guests.length} guests`)
    note(lives && guests[0]?.host !== instance.host, `guest on ${guests[0]?.host}, record on ${instance.host}`)
    if (isDone && lives)
      note(guests[0]?.power !== this.#case.power, `power ${guests[0]?.power} instead of ${this.#case.power}`)
    note(!lives && instance.host !== null && instance.vmState === 'error', `an error on host ${instance.host}`)
    const { allocations } = await this.cloud.placement.port.consumer(this.#id)
    note(Object.keys(allocations).length !== (lives ? 1 : 0), `${Object.keys(allocations).length} allocations`)
    return found
  }

  async #portComplaints(instance: Instance, lives: boolean, isDone: boolean): Promise<readonly string[]> {
    const found: string[] = []
    const note = (isWrong: boolean, what: string) => {
      if (isWrong) found.push(what)
    }
    const ports = await this.cloud.network.port.ports('service', {})
    const mine = ports.filter(p => p.deviceId === this.#id)
    const wanted = lives ? (isDone ? (this.#case.interfaces ?? 2) : 2) : 0
    note(mine.length !== wanted, `${mine.length} ports instead of ${wanted}`)
    note(lives && instance.networkInfo.length !== wanted, `${instance.networkInfo.length} interfaces in the record`)
    const own = ports.find(p => p.id === this.#userPort)
    note(own === undefined, 'the port of the user is gone')
    const host = lives ? (instance.host ?? '') : ''
    const bound = [...mine, ...(own === undefined ? [] : [own])].map(port => port.bindingHost)
    note(
      bound.some(at => at !== host),
      `ports on '${bound.join(`', '`)}' instead of '${host}'`,
    )
    note(ports.length !== (lives ? wanted : 1), `${ports.length} ports in all`)
    const ownGiB = isDone ? this.#case.ownGiB : undefined
    const attached = lives ? (isDone ? (this.#case.volumes ?? 2) : 2) : 0
    const isHeldOnly = instance.vmState === 'shelved_offloaded'
    found.push(...(await volumeComplaints(this.cloud, this.#id, this.#volumes, { attached, isHeldOnly, ownGiB })))
    return found
  }
}

const withShare = ['server-build', 'server-stop', 'share-attach'] as const

/** The same sagas from other states. */
const variants: readonly { readonly what: string; readonly name: OneServer; readonly theCase: Case }[] = [
  {
    what: 'server-delete of one on the shelf',
    name: 'server-delete',
    theCase: { ...cases['server-delete'], from: ['server-build', 'server-shelve'], images: 0 },
  },
  {
    what: 'server-delete of one on the shelf of its host',
    name: 'server-delete',
    theCase: { ...cases['server-delete'], from: ['server-build', 'server-shelve'], images: 0, options: staysOnHost },
  },
  {
    what: 'server-shelve of a paused one',
    name: 'server-shelve',
    theCase: { ...cases['server-shelve'], from: ['server-build', 'server-pause'] },
  },
  {
    what: 'server-shelve that stays on its host',
    name: 'server-shelve',
    theCase: { ...cases['server-shelve'], vmState: 'shelved', power: power.shutdown, options: staysOnHost },
  },
  {
    what: 'server-start with a share',
    name: 'server-start',
    theCase: { ...cases['server-start'], from: [...withShare], shares: 1 },
  },
  {
    what: 'server-stop with a share',
    name: 'server-stop',
    theCase: { ...cases['server-stop'], from: [...withShare, 'server-start'], shares: 1 },
  },
  {
    what: 'server-reboot with a share',
    name: 'server-reboot',
    theCase: { ...cases['server-reboot'], from: [...withShare, 'server-start'], shares: 1 },
  },
  {
    what: 'server-delete with a share',
    name: 'server-delete',
    theCase: { ...cases['server-delete'], from: [...withShare, 'server-start'], shares: 0 },
  },
]

const plain = Object.keys(cases).map(name => ({
  what: name,
  name: name as OneServer,
  theCase: cases[name as OneServer],
}))

test('every registered saga is swept', () => assert.deepEqual(unswept('sweep', Object.keys(cases)), []))

for (const { what, name, theCase } of [...plain, ...variants]) {
  const definition = sagas[name]
  describeSweep(`sweep ${what}`, definition, async () => {
    const cloud = await smallCloud(['one', 'two'], theCase.options)
    return { cloud, scene: new Scene(cloud, definition, theCase) }
  })
}
