import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fromJson, silentLog, systemClock } from '#base'
import type { HostFence } from '#bus'
import { createNotices } from '#notify'
import { emptyJournal, type Outcome } from '#saga'
import type { Service } from '#store'
import { power } from '#virt'
import { acceptBuild } from '../../src/api/accept/build.ts'
import type { InstanceHaOptions } from '../../src/conductor/deps.ts'
import { takeHeartbeat } from '../../src/conductor/instance-ha/heartbeat.ts'
import { HaWatch } from '../../src/conductor/instance-ha/watch.ts'
import { sagaListener } from '../../src/conductor/notices.ts'
import { onGuestEvent } from '../../src/conductor/reconcilers/power-state.ts'
import { hostFence } from '../../src/conductor/sagas/host-fence.ts'
import { engineOf, runAll } from './engine.ts'
import { intentOn } from './intent.ts'
import { describeSweep } from './sweeping.ts'
import { unswept } from './swept.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'
const binary = 'nova-compute'
/** Beyond `service_down_time` of the small cloud, and in one step. */
const longMs = 4_000_000
const leaseMs = 60_000

const folder = mkdtempSync(join(tmpdir(), 'nova-fence-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const fencing: InstanceHaOptions = {
  defaultPolicy: 'evacuate',
  fenceCommand: `/bin/touch ${folder}/{host}`,
  fenceTimeoutMs: 30_000,
  marginMs: 15_000,
  retryMs: 60_000,
  mostEvacuations: 10,
}
const brokenCommand = '/bin/ls /nonexistent-fence-device'

/** A cloud, one conductor's watch over it, and clocks that stand still between its looks. */
class World {
  readonly cloud: SmallCloud
  readonly options: InstanceHaOptions
  readonly watch: HaWatch
  /** What the clock of the conductor is ahead of the machine's. */
  aheadMs = 0
  #nowMs = 0

  constructor(cloud: SmallCloud, options: InstanceHaOptions) {
    this.cloud = cloud
    this.options = options
    this.watch = this.another()
  }

  get conductor() {
    const clock = { ...systemClock, now: () => Date.now() + this.aheadMs }
    return { ...this.cloud.conductor, clock }
  }

  another(): HaWatch {
    return new HaWatch(this.conductor, this.options, { lookMs: longMs, monotonicMs: () => this.#nowMs })
  }

  service = async (host: string): Promise<Service> => {
    const service = await this.cloud.store.services.find(host, binary)
    assert.ok(service !== undefined)
    return service
  }

  beat = (host: string, lease?: number) => takeHeartbeat(this.cloud.conductor, host, binary, lease ?? null)

  /** Time passes, in which only these hosts are heard of, and the conductor looks. Returns the sagas that it begins. */
  async look(heard: readonly string[], { passesMs = longMs, watch = this.watch } = {}): Promise<readonly string[]> {
    this.#nowMs += passesMs
    for (const host of heard) await this.beat(host)
    return (await watch.round()).begun
  }

  /** The same, and what it begins is run to its end. */
  async run(heard: readonly string[]): Promise<void> {
    await this.look(heard)
    await runAll(this.cloud, undefined, engineOf({ ...this.cloud, conductor: this.conductor }))
  }

  /** Servers by the hosts on which their guests are on. */
  async running(): Promise<Readonly<Record<string, readonly string[]>>> {
    const found: Record<string, string[]> = {}
    for (const [host, driver] of this.cloud.drivers)
      for (const { id, power: now } of await driver.list()) if (now === power.running) (found[id] ??= []).push(host)
    return found
  }

  async close(): Promise<void> {
    await this.cloud.close()
  }
}

const hosts = ['one', 'two', 'three']

/** With one server on the first host. */
async function aWorld(change: Partial<InstanceHaOptions> = {}, names: readonly string[] = hosts) {
  const options = { ...fencing, ...change }
  const world = new World(await smallCloud(names, { instanceHa: options }), options)
  const id = await build(world.cloud, 'one')
  return { world, id, others: names.filter(name => name !== 'one') }
}

async function build(cloud: SmallCloud, host: string): Promise<string> {
  const intent = await intentOn(cloud, null)
  const { instanceIds } = await acceptBuild(cloud.api, caller, requestId, {
    ...intent,
    destination: { host, node: host, isForced: true },
  })
  await runAll(cloud)
  const [id = ''] = instanceIds
  assert.equal((await cloud.store.instances.get(id)).host, host)
  return id
}

/** As a machine that was switched off. */
const powerOff = (cloud: SmallCloud, host: string) => cloud.drivers.get(host)?.fencing?.killAll()

test('a host that is silent for too long is switched off, forced down with a reason, and its servers are evacuated', async () => {
  const { world, id, others } = await aWorld()
  assert.deepEqual(await world.look([...hosts]), [])
  assert.deepEqual(await world.look([...hosts]), [], 'all are heard of')
  await world.run(others)
  assert.ok(existsSync(join(folder, 'one')), 'the command has run')
  const { isForcedDown, isDisabled, disabledReason } = await world.service('one')
  assert.deepEqual([isForcedDown, isDisabled], [true, false])
  assert.match(disabledReason ?? '', /^instance HA: fenced by command at \d{4}-/)
  await powerOff(world.cloud, 'one')
  await world.run(others)
  const { host, vmState, taskState } = await world.cloud.store.instances.get(id)
  assert.ok(host !== 'one' && vmState === 'active' && taskState === null, `${host} ${vmState}`)
  assert.deepEqual(await world.running(), { [id]: [host] })
  const moves = await world.cloud.store.moves.list({ filter: { instanceId: id } })
  assert.deepEqual(
    moves.map(move => [move.type, move.status, move.sourceHost]),
    [['evacuation', 'done', 'one']],
  )
  assert.deepEqual(await world.look(others), [], 'that was all')
  assert.match((await world.service('one')).disabledReason ?? '', /servers left: 0$/)
  await world.close()
})

test('where nothing fences the host nothing is evacuated, and the reason says why', async () => {
  const { world, id, others } = await aWorld({ fenceCommand: brokenCommand })
  await world.look(hosts)
  await world.run(others)
  const { isForcedDown, fence, disabledReason } = await world.service('one')
  assert.deepEqual([isForcedDown, fence], [false, null])
  assert.match(disabledReason ?? '', /not fenced, nothing is evacuated: .*it ended with 2: .*nonexistent-fence-device/)
  assert.deepEqual(await world.running(), { [id]: ['one'] })
  assert.deepEqual(await world.look(others, { passesMs: 1_000 }), [], 'not at once again')
  assert.equal((await world.look(others)).length, 1, 'but later')
  await runAll(world.cloud)
  assert.equal((await world.cloud.store.instances.get(id)).host, 'one')
  assert.deepEqual(await world.cloud.store.moves.list({ filter: { instanceId: id } }), [])
  // It is heard of again, and has nothing to say for itself.
  await world.look(hosts)
  await world.look(hosts)
  assert.equal((await world.service('one')).disabledReason, null)
  await world.close()
})

test('a command that takes too long is killed with its children', async () => {
  const { world, others } = await aWorld({ fenceCommand: '/bin/sleep 1000', fenceTimeoutMs: 50 })
  await world.look(hosts)
  await world.run(others)
  assert.match((await world.service('one')).disabledReason ?? '', /took longer than 0.05 seconds/)
  await world.close()
})

test('a host that promised to kill its guests needs no command once its lease is over', async () => {
  const { world, id, others } = await aWorld({ fenceCommand: null })
  await world.look(hosts)
  await world.beat('one', leaseMs)
  await world.look(others)
  await world.run(others)
  assert.equal((await world.service('one')).fence?.how, 'lease')
  await powerOff(world.cloud, 'one')
  await world.run(others)
  assert.notEqual((await world.cloud.store.instances.get(id)).host, 'one')
  assert.deepEqual(await world.beat('one', leaseMs), { lease: 'refused' })
  assert.deepEqual(await world.beat('two', leaseMs), { lease: 'granted' })
  await world.close()
})

test('without a command and without a lease a lost host is not fenced', async () => {
  const { world, others } = await aWorld({ fenceCommand: null })
  await world.look(hosts)
  await world.run(others)
  assert.match((await world.service('one')).disabledReason ?? '', /keeps no lease/)
  await world.close()
})

test('a host that is heard of while it is fenced is not forced down', async () => {
  const { world, id, others } = await aWorld()
  await world.look(hosts)
  const [sagaId = ''] = await world.look(others)
  await world.beat('one')
  const engine = engineOf(world.cloud)
  engine.wake(sagaId)
  await engine.idle()
  const { isForcedDown, disabledReason } = await world.service('one')
  assert.deepEqual([isForcedDown, disabledReason], [false, null])
  assert.deepEqual(await world.running(), { [id]: ['one'] })
  await world.close()
})

test('of a fenced host that is back without a lease nothing more is evacuated; with one it may start no guest, and all is', async () => {
  for (const lease of [undefined, leaseMs]) {
    const { world, id, others } = await aWorld()
    await world.look(hosts)
    await world.look(others)
    await runAll(world.cloud)
    assert.equal((await world.service('one')).fence?.how, 'command')
    await powerOff(world.cloud, 'one')
    await world.beat('one', lease)
    await onGuestEvent(world.conductor, 'one', { id: id as never, kind: 'stopped' })
    assert.equal(
      (await world.cloud.store.instances.get(id)).vmState,
      'active',
      'what it tells of its guests is no news',
    )
    await world.run(others)
    assert.equal((await world.cloud.store.instances.get(id)).host === 'one', lease === undefined)
    if (lease === undefined) assert.match((await world.service('one')).disabledReason ?? '', /host is back; .*: 1$/)
    await world.close()
  }
})

test('a server that cannot be placed stays, and is tried again; it comes back as it was', async () => {
  const { world, id, others } = await aWorld({}, ['one', 'two'])
  const { services } = world.cloud.store
  await world.look(['one', 'two'])
  await world.look(others)
  await runAll(world.cloud)
  await services.change(await world.service('two'), { isForcedDown: true }, Date.now())
  await powerOff(world.cloud, 'one')
  await world.run(others)
  const stuck = await world.cloud.store.instances.get(id)
  assert.deepEqual([stuck.host, stuck.vmState], ['one', 'error'])
  assert.match((await world.cloud.store.faults.newest([id])).get(id)?.message ?? '', /No valid host/)
  await services.change(await world.service('two'), { isForcedDown: false }, Date.now())
  assert.deepEqual(await world.look(others), [], 'too soon')
  world.aheadMs = 61_000
  await world.run(others)
  const { host, vmState } = await world.cloud.store.instances.get(id)
  assert.deepEqual([host, vmState], ['two', 'active'])
  assert.deepEqual(await world.running(), { [id]: ['two'] })
  await world.close()
})

test('left alone: hosts of another policy, hosts that are disabled, and all when most of them are silent at once', async () => {
  const { world, others } = await aWorld({ defaultPolicy: 'none' })
  await world.look(hosts)
  assert.deepEqual(await world.look(others), [], 'nobody asked for it')
  const aggregate = await world.cloud.store.aggregates.create('ha', null, Date.now())
  await world.cloud.store.aggregates.addHost(aggregate?.id ?? 0, 'one')
  await world.cloud.store.aggregates.setMetadata(aggregate?.id ?? 0, { instance_ha: 'evacuate' }, Date.now())
  assert.deepEqual(await world.look(['two']), [], 'two of three are silent')
  await world.cloud.store.services.change(await world.service('one'), { isDisabled: true }, Date.now())
  assert.deepEqual(await world.look(others), [], 'it is disabled')
  await world.cloud.store.services.change(await world.service('one'), { isDisabled: false }, Date.now())
  assert.equal((await world.look(others)).length, 1)
  assert.deepEqual(
    await world.look(others, { watch: world.another() }),
    [],
    'another conductor has just begun to watch',
  )
  await world.close()
})

test('two conductors fence a host once', async () => {
  const { world, others } = await aWorld()
  const second = world.another()
  await world.look(hosts)
  await world.look(hosts, { watch: second, passesMs: 0 })
  const begun = [...(await world.look(others)), ...(await world.look(others, { watch: second, passesMs: 0 }))]
  assert.equal(begun.length, 1)
  await world.close()
})

test('a conductor that was away itself has seen nobody’s silence', async () => {
  const { world, others } = await aWorld()
  await world.look(hosts)
  assert.deepEqual(await world.look([], { passesMs: 4 * longMs }), [])
  assert.equal((await world.look(others)).length, 1)
  await world.close()
})

test('whoever listens is told why a host was not fenced, and of the fence and the evacuations of another', async () => {
  const { world, others } = await aWorld({ fenceCommand: brokenCommand })
  const { cloud } = world
  const settings = { hasDevices: false, hasShares: false, defaultZone: 'nova', auditPeriod: 'month', imagesUrl: '' }
  const at = { host: 'conductor', settings, clock: systemClock, log: silentLog }
  const notices = createNotices({ ...at, formats: new Set(['versioned']), stateChanges: null })
  const telling = (options: InstanceHaOptions) => {
    const conductor = { ...cloud.conductor, notices, options: { ...cloud.conductor.options, instanceHa: options } }
    const listener = sagaListener(conductor)
    assert.ok(listener !== undefined)
    return { conductor, engine: engineOf({ ...cloud, conductor }, { listener }) }
  }
  const told = async () =>
    (await cloud.store.outbox.first(100)).map(({ eventType, message }) => {
      const said = fromJson<{ 'oslo.message': string }>(message)['oslo.message'] ?? message
      return `${eventType} ${/it ended with 2/.exec(said)?.[0] ?? ''}`.trim()
    })
  await world.look(hosts)
  await world.look(others)
  await runAll(cloud, undefined, telling(world.options).engine)
  assert.deepEqual(await told(), ['compute.exception it ended with 2'])
  await world.look(others)
  const { conductor, engine } = telling(fencing)
  await runAll(cloud, undefined, engine)
  await powerOff(cloud, 'one')
  const watch = new HaWatch(conductor, fencing, { lookMs: longMs })
  await watch.round()
  const all = await told()
  assert.ok(all.includes('service.update') && all.includes('instance.evacuate'), all.join())
  await world.close()
})

test('every saga about hosts is swept', () => assert.deepEqual(unswept('instance-ha', ['host-fence']), []))

describeSweep('host-fence', hostFence, async () => {
  const { world } = await aWorld()
  const { store } = world.cloud
  const { reportCount: heard } = await world.service('one')
  const input: HostFence = { host: 'one', heard, silentMs: longMs, leaseMs: null }
  return {
    cloud: world.cloud,
    scene: {
      begin: async () => {
        await store.sagas.add({ id: 'fence', name: 'host-fence', instanceId: null, input }, emptyJournal(), Date.now())
        return 'fence'
      },
      complaints: async (outcome: Outcome) => {
        const { fence, isForcedDown, disabledReason } = await world.service('one')
        const wanted = outcome.status === 'done' || fence !== null ? 'fenced by command' : 'not fenced'
        return [
          ...(isForcedDown === (fence !== null) ? [] : ['forced down without a fence, or the other way round']),
          ...(outcome.status === 'undone' || fence?.heard === heard ? [] : ['done without a fence']),
          ...(disabledReason?.includes(wanted) === true ? [] : [`shows ${disabledReason}, not ${wanted}`]),
        ]
      },
    },
  }
})
