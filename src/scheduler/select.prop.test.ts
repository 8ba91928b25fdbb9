import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { instanceId } from '#base'
import type { Candidates, ProviderSummary } from '#cloud'
import type { RequestSpec } from '#model'
import { enabledFilters } from './filters/index.ts'
import type { SchedulerHost } from './host-source.ts'
import { type SchedulerOptions, schedulerOptions } from './options.ts'
import { aFlavor, aGroup, aHost, anAggregate, anImage, aSpec } from './samples.ts'
import { type Choices, select } from './select.ts'
import { instances } from './testing.ts'

const enabled_filters = [
  'ComputeFilter',
  'ComputeCapabilitiesFilter',
  'ImagePropertiesFilter',
  'ServerGroupAntiAffinityFilter',
  'ServerGroupAffinityFilter',
  'AggregateMultiTenancyIsolation',
  'AggregateInstanceExtraSpecsFilter',
  'NumInstancesFilter',
  'IoOpsFilter',
  'DifferentHostFilter',
]

interface World {
  readonly spec: RequestSpec
  readonly hosts: readonly SchedulerHost[]
  readonly candidates: Candidates
  readonly options: SchedulerOptions
  readonly count: number
  readonly seed: number
}

const amounts = { VCPU: 1, MEMORY_MB: 2048 }

/** Most hosts are good, or the later filters and the weighers would see nothing. */
const mostly = fc.constantFrom(true, true, true, true, false)

const aWorldHost = fc.record({
  isEnabled: mostly,
  isUp: mostly,
  hasAvx: mostly,
  isForOthers: mostly.map(is => !is),
  ssd: fc.constantFrom('true', 'false', undefined),
  numInstances: fc.integer({ min: 45, max: 51 }),
  numIoOps: fc.integer({ min: 0, max: 9 }),
  ramFreeMiB: fc.integer({ min: -1000, max: 3000 }),
  failedBuilds: fc.integer({ min: 0, max: 1 }),
  runs: fc.subarray(['a', 'b', 'c']),
  cellId: fc.constantFrom('one', 'two'),
  slots: fc.integer({ min: 0, max: 3 }),
})

const aRequest = fc.record({
  policy: fc.constantFrom(undefined, 'affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'),
  maxServerPerHost: fc.integer({ min: 1, max: 2 }),
  wantsSsd: fc.boolean(),
  wantsAvx: fc.boolean(),
  avoids: fc.subarray(['a', 'b', 'c']),
  ignored: fc.subarray(['host0', 'host1', 'host2']),
})

const aWorld: fc.Arbitrary<World> = fc
  .record({
    hosts: fc.array(aWorldHost, { maxLength: 12 }),
    request: aRequest,
    count: fc.integer({ min: 1, max: 5 }),
    seed: fc.integer(),
    host_subset_size: fc.integer({ min: 1, max: 4 }),
    shuffle_best_same_weighed_hosts: fc.boolean(),
    max_attempts: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ hosts: facts, request, count, seed, max_attempts, ...picking }) => {
    const hosts = facts.map(({ hasAvx, isForOthers, ssd, runs, slots: _slots, ...set }, number) =>
      aHost({
        ...set,
        host: `host${number}`,
        instanceIds: instances(...runs),
        supportedInstances: [[hasAvx ? 'x86_64' : 'i686', 'kvm', 'hvm']],
        aggregates: [
          anAggregate(isForOthers ? { filter_tenant_id: 'others' } : {}, number * 2),
          anAggregate(ssd === undefined ? {} : { ssd }, number * 2 + 1),
        ],
      }),
    )
    const offering = hosts.filter((_, number) => (facts[number]?.slots ?? 0) > 0)
    const summaries: Record<string, ProviderSummary> = {}
    for (const [number, { nodeId }] of hosts.entries()) {
      const slots = facts[number]?.slots ?? 0
      const resources = { VCPU: { capacity: slots + 7, used: 7 }, MEMORY_MB: { capacity: 2048 * slots, used: 0 } }
      summaries[nodeId] = { rootId: nodeId, parentId: null, resources, traits: [] }
    }
    const { policy, maxServerPerHost, wantsSsd, wantsAvx, avoids, ignored } = request
    const home = hosts.filter(({ instanceIds }) => instanceIds.size > 0).map(({ host }) => host)
    const spec = aSpec({
      flavor: aFlavor({ extraSpecs: wantsSsd ? { 'aggregate_instance_extra_specs:ssd': 'true' } : {} }),
      image: anImage(wantsAvx ? { hw_architecture: 'x86_64' } : {}),
      hints: avoids.length === 0 ? {} : { different_host: avoids },
      ignoreHosts: ignored,
      serverGroup: policy === undefined ? null : aGroup(policy, ['a', 'b', 'c'], { maxServerPerHost, hosts: home }),
    })
    const options = schedulerOptions({ scheduler: { max_attempts }, filter_scheduler: { enabled_filters, ...picking } })
    const requests = offering.map(({ nodeId }) => ({ allocations: { [nodeId]: amounts }, mappings: { '': [nodeId] } }))
    return { spec, hosts, candidates: { requests, summaries }, options, count, seed }
  })

/** A small generator of equal numbers for equal seeds. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const ids = (count: number) => Array.from({ length: count }, (_, number) => instanceId(`new-${number}`))

const decide = ({ spec, hosts, candidates, options, count, seed }: World): Choices =>
  select({ spec, hosts, candidates, options, instanceIds: ids(count), random: randomOf(seed) })

const allWorlds = (holds: (world: World, found: Choices) => void) =>
  fc.assert(
    fc.property(aWorld, world => holds(world, decide(world))),
    { numRuns: 400 },
  )

test('never a host that an enabled filter refuses, alternates included', () => {
  allWorlds(({ spec, hosts, options }, { choices }) => {
    const { enabled_filters: names, available_filters: available } = options.filter_scheduler
    for (const { instanceId: id, selection, alternates } of choices) {
      for (const { nodeId } of [selection, ...alternates]) {
        const host = hosts.find(one => one.nodeId === nodeId)
        if (host === undefined) throw new Error(`${nodeId} is no host of this world`)
        assert.ok(!spec.ignoreHosts.includes(host.host))
        for (const filter of enabledFilters(names, available)) {
          assert.equal(filter.prepare({ spec, options, instanceId: id })?.(host) ?? true, true)
        }
      }
    }
  })
})

test('never more on a host than its candidates allow', () => {
  allWorlds(({ candidates }, { choices }) => {
    const taken = new Map<string, number>()
    for (const { selection } of choices) taken.set(selection.nodeId, (taken.get(selection.nodeId) ?? 0) + 1)
    for (const [nodeId, count] of taken) {
      for (const [name, amount] of Object.entries(amounts)) {
        const stock = candidates.summaries[nodeId]?.resources[name]
        assert.ok(stock !== undefined && stock.used + amount * count <= stock.capacity)
      }
    }
  })
})

test('the group policy holds over all instances of the request', () => {
  allWorlds(({ spec: { serverGroup }, hosts }, { choices }) => {
    const chosen = choices.map(({ selection }) => selection.host)
    if (serverGroup?.policy === 'affinity' && serverGroup.hosts.length === 0) assert.ok(new Set(chosen).size <= 1)
    if (serverGroup?.policy !== 'anti-affinity') return
    for (const name of new Set(chosen)) {
      const before = hosts.find(({ host }) => host === name)?.instanceIds.size ?? 0
      assert.ok(before + chosen.filter(host => host === name).length <= serverGroup.maxServerPerHost)
    }
  })
})

test('alternates are distinct, chosen by nobody, in the cell of the selection, and at most max_attempts - 1', () => {
  allWorlds(({ hosts, options }, { choices }) => {
    const chosen = new Set(choices.map(({ selection }) => selection.nodeId))
    const cellOf = (nodeId: string) => hosts.find(host => host.nodeId === nodeId)?.cellId
    for (const { selection, alternates } of choices) {
      const nodes = alternates.map(({ nodeId }) => nodeId)
      assert.equal(new Set(nodes).size, nodes.length)
      assert.ok(nodes.length <= options.scheduler.max_attempts - 1)
      for (const node of nodes) {
        assert.ok(!chosen.has(node))
        assert.equal(cellOf(node), cellOf(selection.nodeId))
      }
    }
  })
})

test('who got no host, or every host that was not good, has a reason', () => {
  allWorlds(({ hosts, count }, { choices, refusals }) => {
    if (choices.length === count) return
    const explained = new Set(refusals.map(({ host }) => host))
    for (const { host } of hosts) assert.ok(explained.has(host), `${host} fell out without a reason`)
    for (const { reason } of refusals) assert.ok(reason.length > 10)
  })
})

test('the same request over the same snapshot and numbers gives the same answer', () => {
  allWorlds((world, found) => {
    assert.deepEqual(
      decide(world).choices.map(({ selection, alternates }) => [selection, alternates]),
      found.choices.map(({ selection, alternates }) => [selection, alternates]),
    )
  })
})

test('with a subset of one and no shuffling the greatest weight wins, ties in the order of the hosts', () => {
  fc.assert(
    fc.property(aWorld, world => {
      const options = schedulerOptions({ filter_scheduler: { enabled_filters } })
      const { choices } = decide({ ...world, options, count: 1 })
      const [choice] = choices
      if (choice === undefined) return
      const place = (nodeId: string) => world.hosts.findIndex(host => host.nodeId === nodeId)
      const order = choice.best.map(({ host, weight }) => ({ weight, place: place(host.nodeId) }))
      const sorted = [...order].sort((a, b) => b.weight - a.weight || a.place - b.place)
      assert.deepEqual(order, sorted)
      assert.equal(choice.best[0]?.host.nodeId, choice.selection.nodeId)
    }),
  )
})
