/**
 * The hosts that the scheduler keeps in memory are those of the database, whatever happens to that, and through whichever
 * process: compared with all rows read anew, after each of many random changes.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualClock, newUuid } from '#base'
import { type HostSource, type SchedulerHost, storeHosts } from '#scheduler'
import { isServiceUp, openStore, type Store } from '#store'
import { openDatabase } from '#store/engine'
import { simulatedFunction } from '#virt/fake'
import { databaseAt } from '../database/index.ts'

const serviceDownTimeMs = 60_000
const names = ['h0', 'h1', 'h2', 'h3', 'h4']
const ratios = { cpuAllocationRatio: 4, ramAllocationRatio: 1, diskAllocationRatio: 1 }

const describe = (host: string, memoryMiB: number) => ({
  hypervisorHostname: `${host}.example`,
  hypervisorType: 'QEMU',
  hypervisorVersion: 8_002_000,
  vcpus: 8,
  memoryMiB,
  memoryUsedMiB: 0,
  localDiskGiB: 100,
  localDiskUsedGiB: 0,
  localDiskFreeGiB: 100,
  cpuInfo: { arch: 'x86_64' },
  supportedInstances: [],
  traits: [],
  hostIp: '127.0.0.1',
  uptime: null,
})

type Hosts = Map<string, { readonly [K in keyof SchedulerHost]?: SchedulerHost[K] | undefined }>

/** What the view has to say, from all the rows. */
async function plainHosts(store: Store, nowMs: number): Promise<Hosts> {
  const services = await store.services.list({ binary: 'nova-compute' })
  const aggregates = await store.aggregates.list()
  const free = await store.pciDevices.freeCounts()
  const found: Hosts = new Map()
  for (const node of await store.computeNodes.list()) {
    const service = services.find(one => one.host === node.host)
    if (service === undefined) continue
    found.set(node.uuid, {
      host: node.host,
      ramTotalMiB: node.description.memoryMiB,
      failedBuilds: node.failedBuilds,
      isEnabled: !service.isDisabled,
      disabledReason: service.disabledReason,
      isUp: isServiceUp(service, nowMs, serviceDownTimeMs),
      freePciDevices: free.get(node.uuid) ?? 0,
      aggregates: aggregates.filter(({ hosts }) => hosts.includes(node.host)),
      metrics: Object.fromEntries(node.metrics.map(({ name, value }) => [name, value])),
    })
  }
  return found
}

async function viewedHosts(source: HostSource, ids: readonly string[]): Promise<Hosts> {
  const states = await source.hostStates(ids)
  return new Map(
    states.map(state => {
      const { host, ramTotalMiB, failedBuilds, isEnabled, disabledReason, isUp, freePciDevices, aggregates } = state
      const seen = { host, ramTotalMiB, failedBuilds, isEnabled, disabledReason, isUp, freePciDevices, aggregates }
      return [state.nodeId, { ...seen, metrics: state.metrics }]
    }),
  )
}

/** A change of the database; `n` picks what of the many is meant. */
type Act = (world: World, n: number) => Promise<unknown>

interface World {
  readonly store: Store
  readonly clock: ManualClock
  /** Node ids by host, those that were as well. */
  readonly nodeIds: Map<string, string>
}

const hostAt = (n: number): string => names[n % names.length] ?? 'h0'

async function serviceAt({ store }: World, n: number) {
  return store.services.find(hostAt(n), 'nova-compute')
}

async function aggregateAt({ store }: World, n: number) {
  const all = await store.aggregates.list()
  return all[n % Math.max(1, all.length)]
}

const acts: Readonly<Record<string, Act>> = {
  register: ({ store, clock }, n) =>
    store.services.register({ host: hostAt(n), binary: 'nova-compute', topic: 'compute', version: n % 3 }, clock.now()),
  report: ({ store, clock, nodeIds }, n) => {
    const host = hostAt(n)
    const uuid = nodeIds.get(host) ?? newUuid()
    nodeIds.set(host, uuid)
    const metrics = n % 2 === 0 ? [] : [{ name: 'cpu.percent', value: n, source: 'fake', atMs: 0 }]
    const node = { uuid, host, description: describe(host, 1024 * (1 + (n % 4))), metrics, ...ratios }
    return store.computeNodes.save(node, clock.now())
  },
  heartbeat: ({ store, clock }, n) => store.services.heartbeat('nova-compute', [hostAt(n)], clock.now()),
  wait: async ({ clock }, n) => clock.advance((n % 5) * 10_000),
  async disable(world, n) {
    const service = await serviceAt(world, n)
    const change = { isDisabled: n % 2 === 0, disabledReason: n % 2 === 0 ? `reason ${n}` : null }
    if (service !== undefined) await world.store.services.change(service, change, world.clock.now())
  },
  async force(world, n) {
    const service = await serviceAt(world, n)
    if (service !== undefined) await world.store.services.change(service, { isForcedDown: n % 2 === 0 }, 1)
  },
  async remove(world, n) {
    const service = await serviceAt(world, n)
    if (service !== undefined) await world.store.services.delete(service)
  },
  async removeNode({ store, nodeIds }, n) {
    const uuid = nodeIds.get(hostAt(n))
    if (uuid !== undefined) await store.computeNodes.delete(uuid)
    nodeIds.delete(hostAt(n))
  },
  build: async ({ store, nodeIds }, n) =>
    store.computeNodes.countBuild(nodeIds.get(hostAt(n)) ?? '', n % 3 === 0 ? 'succeeded' : 'failed', 1),
  aggregate: ({ store }, n) => store.aggregates.create(`a${n % 4}`, n % 2 === 0 ? `zone${n % 3}` : null, 1),
  async join(world, n) {
    const aggregate = await aggregateAt(world, n)
    if (aggregate !== undefined) await world.store.aggregates.addHost(aggregate.id, hostAt(n))
  },
  async leave(world, n) {
    const aggregate = await aggregateAt(world, n)
    if (aggregate !== undefined) await world.store.aggregates.removeHost(aggregate.id, hostAt(n))
  },
  async describe(world, n) {
    const aggregate = await aggregateAt(world, n)
    if (aggregate !== undefined) await world.store.aggregates.setMetadata(aggregate.id, { ssd: `${n}` }, 1)
  },
  async dissolve(world, n) {
    const aggregate = await aggregateAt(world, n)
    if (aggregate !== undefined) await world.store.aggregates.delete(aggregate.id)
  },
  async devices({ store, nodeIds }, n) {
    const uuid = nodeIds.get(hostAt(n))
    const device = (i: number) => ({
      ...simulatedFunction(JSON.stringify({ address: `0000:0${i}:00.0`, vendor_id: '10de' })),
      tags: {},
    })
    if (uuid !== undefined)
      await store.pciDevices.report(
        uuid,
        Array.from({ length: n % 4 }, (_, i) => device(i)),
      )
  },
}

test('hosts in memory are those of the database after every change of every process', async () => {
  const steps = fc.array(
    fc.record({
      act: fc.constantFrom(...Object.keys(acts)),
      n: fc.nat(60),
      /** Which of the two processes does it. */
      isOther: fc.boolean(),
      /** Outside of a transaction. */
      isAlone: fc.boolean(),
      isUnlooked: fc.boolean(),
    }),
    { minLength: 30, maxLength: 80 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async list => {
      const folder = mkdtempSync(join(tmpdir(), 'nova-view-'))
      const url = await databaseAt(folder, 'nova')
      const stores = [await openStore(url), await openStore(url)] as const
      const clock = new ManualClock()
      const nodeIds = new Map<string, string>()
      const seen = new Set<string>()
      const sources = stores.map(store => storeHosts(store, clock, { serviceDownTimeMs }))
      try {
        for (const { act, n, isOther, isAlone, isUnlooked } of list) {
          const store = stores[isOther ? 1 : 0]
          if (isAlone) await acts[act]?.({ store, clock, nodeIds }, n)
          else await store.transaction(async tx => acts[act]?.({ store: tx, clock, nodeIds }, n))
          for (const id of nodeIds.values()) seen.add(id)
          if (isUnlooked) continue
          const wanted = await plainHosts(store, clock.now())
          for (const source of sources) assert.deepEqual(await viewedHosts(source, [...seen]), wanted)
        }
      } finally {
        for (const store of stores) await store.close()
        rmSync(folder, { recursive: true, force: true })
      }
    }),
    { numRuns: 6, endOnFailure: true },
  )
})

test('what somebody wrote by hand is seen after a minute', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-view-'))
  const url = await databaseAt(folder, 'nova')
  const store = await openStore(url)
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const clock = new ManualClock()
  const world = { store, clock, nodeIds: new Map<string, string>() }
  await acts['register']?.(world, 0)
  await acts['report']?.(world, 0)
  const source = storeHosts(store, clock, { serviceDownTimeMs: 600_000 })
  const isEnabled = async () => (await source.hostStates([...world.nodeIds.values()]))[0]?.isEnabled
  assert.equal(await isEnabled(), true)
  const service = await store.services.find('h0', 'nova-compute')
  assert.ok(service)
  const byHand = openDatabase<Record<'services', { disabled: number }>>(url)
  await byHand.updateTable('services').set({ disabled: 1 }).execute()
  await byHand.destroy()
  clock.advance(61_000)
  assert.equal(await isEnabled(), false)
})
