import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceId } from '#base'
import type { Candidates } from '#cloud'
import type { RequestSpec } from '#model'
import type { SchedulerHost } from './host-source.ts'
import { type SchedulerOverrides, schedulerOptions } from './options.ts'
import { aGroup, aHost, anAggregate, aSpec } from './samples.ts'
import { type Choices, select } from './select.ts'
import { instances } from './testing.ts'

/** Every host offers the same amounts, `slots` times. */
function candidatesOf(hosts: readonly SchedulerHost[], slots = 100): Candidates {
  const amounts = { VCPU: 1, MEMORY_MB: 2048, DISK_GB: 20 }
  return {
    requests: hosts.map(({ nodeId }) => ({ allocations: { [nodeId]: amounts }, mappings: { '': [nodeId] } })),
    summaries: Object.fromEntries(
      hosts.map(({ nodeId }) => {
        const resources = Object.fromEntries(
          Object.entries(amounts).map(([name, amount]) => [name, { capacity: amount * slots, used: 0 }]),
        )
        return [nodeId, { rootId: nodeId, parentId: null, resources, traits: [] }]
      }),
    ),
  }
}

/** host1 is the emptiest, host2 comes next, and so on. */
const fleet = (count: number, set: Partial<SchedulerHost> = {}) =>
  Array.from({ length: count }, (_, number) =>
    aHost({ host: `host${number + 1}`, ramFreeMiB: 32_768 - number * 1000, ...set }),
  )

interface Asked {
  readonly hosts: readonly SchedulerHost[]
  readonly count?: number
  readonly slots?: number
  readonly spec?: Partial<RequestSpec>
  readonly options?: SchedulerOverrides
  readonly random?: () => number
}

function choose({ hosts, count = 1, slots, spec, options, random = () => 0 }: Asked): Choices {
  return select({
    spec: aSpec(spec),
    instanceIds: Array.from({ length: count }, (_, number) => instanceId(`new-${number}`)),
    hosts,
    candidates: candidatesOf(hosts, slots),
    options: schedulerOptions(options),
    random,
  })
}

const names = ({ choices }: Choices) => choices.map(({ selection }) => selection.host)
const reasons = ({ refusals }: Choices) => refusals.map(({ host, filter, reason }) => `${host}: ${filter}: ${reason}`)
const spares = ({ choices }: Choices) => choices.map(({ alternates }) => alternates.map(({ host }) => host))

test('the best host is selected, the next ones are alternates', () => {
  const found = choose({ hosts: fleet(5) })
  assert.deepEqual(names(found), ['host1'])
  assert.deepEqual(spares(found), [['host2', 'host3']])
  assert.deepEqual(found.choices[0]?.selection.allocations, {
    'node-of-host1': { VCPU: 1, MEMORY_MB: 2048, DISK_GB: 20 },
  })
  assert.equal(
    found.choices[0]?.best[0]?.weight,
    Math.max(...(found.choices[0]?.best ?? []).map(({ weight }) => weight)),
  )
})

test('max_attempts 1 means no alternates', () => {
  assert.deepEqual(spares(choose({ hosts: fleet(5), options: { scheduler: { max_attempts: 1 } } })), [[]])
})

test('alternates stay in the cell of the selected host', () => {
  const hosts = fleet(4).map((host, number) => ({ ...host, cellId: number % 2 === 0 ? 'one' : 'two' }))
  assert.deepEqual(spares(choose({ hosts })), [['host3']])
})

test('a multi-create spreads: every instance makes its host fuller', () => {
  const hosts = fleet(3, { ramFreeMiB: 32_768 })
  assert.deepEqual(names(choose({ hosts, count: 3 })), ['host1', 'host2', 'host3'])
})

test('a multi-create takes no more of a host than placement has', () => {
  const found = choose({ hosts: fleet(2), count: 5, slots: 2 })
  assert.deepEqual(names(found).sort(), ['host1', 'host1', 'host2', 'host2'])
  assert.deepEqual(reasons(found).sort(), [
    'host1: Placement: VCPU: 1 needed, 0 left of 2 after 2 for this request',
    'host2: Placement: VCPU: 1 needed, 0 left of 2 after 2 for this request',
  ])
})

test('alternates of a multi-create are none of its hosts and have room left', () => {
  const found = choose({ hosts: fleet(5), count: 2, slots: 1 })
  assert.deepEqual(names(found), ['host1', 'host2'])
  assert.deepEqual(spares(found), [
    ['host3', 'host4'],
    ['host3', 'host4'],
  ])
})

test('anti-affinity holds between the instances of one request', () => {
  const spec = { serverGroup: aGroup('anti-affinity', ['new-0', 'new-1', 'new-2']) }
  const found = choose({ hosts: fleet(2), count: 3, spec })
  assert.deepEqual(names(found), ['host1', 'host2'])
  assert.match(reasons(found)[0] ?? '', /ServerGroupAntiAffinityFilter: the group already has 1 server on this host/)
})

test('affinity keeps the instances of one request together', () => {
  assert.deepEqual(names(choose({ hosts: fleet(3), count: 3, spec: { serverGroup: aGroup('affinity', []) } })), [
    'host1',
    'host1',
    'host1',
  ])
})

test('a filter that is asked once keeps its answer for the later instances', () => {
  const hosts = fleet(2).map((host, number) => ({ ...host, isUp: number === 1 }))
  assert.deepEqual(names(choose({ hosts, count: 2 })), ['host2', 'host2'])
})

test('ignored hosts, whatever their case', () => {
  const found = choose({ hosts: fleet(2), spec: { ignoreHosts: ['HOST1'] } })
  assert.deepEqual(names(found), ['host2'])
  assert.deepEqual(reasons(found), ['host1: IgnoreHosts: the request asks to leave it out'])
})

const down = (...which: string[]) => fleet(3).map(host => ({ ...host, isUp: !which.includes(host.host) }))

test('a destination narrows, and the filters still run', () => {
  const spec = { destination: { host: 'host2', node: null, isForced: false } }
  assert.deepEqual(names(choose({ hosts: down(), spec })), ['host2'])
  assert.deepEqual(names(choose({ hosts: down('host2'), spec })), [])
})

test('a forced host is taken without asking the filters', () => {
  const spec = { destination: { host: 'Host2', node: null, isForced: true } }
  assert.deepEqual(names(choose({ hosts: down('host2'), spec })), ['host2'])
})

test('host_subset_size chooses among the best, the others keep their order', () => {
  const options = { filter_scheduler: { host_subset_size: 3 } }
  const found = choose({ hosts: fleet(5), options, random: () => 0.99 })
  assert.deepEqual(names(found), ['host3'])
  assert.deepEqual(spares(found), [['host1', 'host2']])
})

test('shuffle_best_same_weighed_hosts mixes only the best of equal weight', () => {
  const hosts = fleet(4).map((host, number) => ({ ...host, ramFreeMiB: number === 3 ? 1000 : 2000 }))
  const options = { filter_scheduler: { shuffle_best_same_weighed_hosts: true } }
  assert.deepEqual(names(choose({ hosts })), ['host1'])
  assert.deepEqual(names(choose({ hosts, options, random: () => 0 })), ['host2'])
  assert.deepEqual(spares(choose({ hosts, options, random: () => 0.99 })), [['host2', 'host3']])
})

test('failed builds put a host last', () => {
  const hosts = fleet(2).map((host, number) => ({ ...host, failedBuilds: number === 0 ? 1 : 0 }))
  assert.deepEqual(names(choose({ hosts })), ['host2'])
})

test('the zone comes from the aggregates, else it is the default', () => {
  const [plain, zoned] = [aHost(), aHost({ aggregates: [anAggregate({ availability_zone: 'west' })] })]
  assert.equal(choose({ hosts: [plain] }).choices[0]?.selection.zone, 'nova')
  assert.equal(choose({ hosts: [zoned] }).choices[0]?.selection.zone, 'west')
})

test('a host without a candidate is refused by placement', () => {
  const [first, second] = fleet(2)
  if (first === undefined || second === undefined) throw new Error('two hosts wanted')
  const found = select({
    spec: aSpec(),
    instanceIds: [instanceId('new')],
    hosts: [first, second],
    candidates: candidatesOf([second]),
    options: schedulerOptions(),
    random: () => 0,
  })
  assert.deepEqual(names(found), ['host2'])
  assert.deepEqual(reasons(found), ['host1: Placement: placement has no allocation candidate for it'])
})

test('a required metric is asked for only where there is a choice', () => {
  const options = { metrics: { weight_setting: ['load=1'] } }
  assert.deepEqual(names(choose({ hosts: fleet(1), options })), ['host1'])
  assert.equal(reasons(choose({ hosts: fleet(2), options })).length, 2)
})

test('the snapshot is not changed', () => {
  const hosts = fleet(2, { instanceIds: instances('old') })
  const before = structuredClone(hosts)
  choose({ hosts, count: 3 })
  assert.deepEqual(hosts, before)
})
