import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AllocationRequest, CandidateQuery, RequestGroup } from '#cloud'
import type { ProviderRows } from '../store/load.ts'
import { findCandidates, searchCandidates } from './candidates.ts'
import { NameTable } from './dictionary.ts'
import { Snapshot } from './snapshot.ts'

/**
 * The engine against an oracle that tries every provider for every class and then asks of each attempt whether it obeys
 * the rules, on forests of up to six providers.
 */

const classes = ['VCPU', 'DISK_GB', 'CUSTOM_X']
const traits = ['CUSTOM_A', 'CUSTOM_B', 'MISC_SHARES_VIA_AGGREGATE']
const aggregates = ['agg1', 'agg2']

interface Stocked {
  readonly total: number
  readonly used: number
  readonly maxUnit: number
  readonly stepSize: number
}

interface Node {
  /** Index of an earlier provider, or none. */
  readonly parent: number | null
  readonly stocks: Readonly<Record<string, Stocked>>
  readonly traits: readonly string[]
  readonly aggregates: readonly string[]
}

type Forest = readonly Node[]

const stocked = fc.record({
  total: fc.integer({ min: 1, max: 4 }),
  used: fc.integer({ min: 0, max: 2 }),
  maxUnit: fc.integer({ min: 1, max: 4 }),
  stepSize: fc.integer({ min: 1, max: 2 }),
})
const forests: fc.Arbitrary<Forest> = fc
  .array(
    fc.record({
      parent: fc.option(fc.nat(5)),
      stocks: fc.dictionary(fc.constantFrom(...classes), stocked, { noNullPrototype: true }),
      traits: fc.subarray(traits),
      aggregates: fc.subarray(aggregates),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map(nodes =>
    nodes.map((node, index) => ({ ...node, parent: node.parent === null || index === 0 ? null : node.parent % index })),
  )

const group = (suffix: string): fc.Arbitrary<RequestGroup> =>
  fc.record({
    suffix: fc.constant(suffix),
    resources: fc.dictionary(fc.constantFrom(...classes), fc.integer({ min: 1, max: 2 }), {
      noNullPrototype: true,
      minKeys: suffix === '' ? 1 : 0,
      maxKeys: 2,
    }),
    required: fc.array(fc.subarray(['CUSTOM_A', 'CUSTOM_B'], { minLength: 1 }), { maxLength: 1 }),
    forbidden: fc.subarray(['CUSTOM_B'], { maxLength: 1 }),
    memberOf: fc.array(fc.subarray(aggregates, { minLength: 1 }), { maxLength: 1 }),
    notMemberOf: fc.oneof(
      { weight: 3, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: fc.constant(['agg2']) },
    ),
  })

const queries: fc.Arbitrary<CandidateQuery> = fc.record({
  groups: fc
    .tuple(fc.option(group('')), fc.option(group('1')), fc.option(group('2')))
    .map(groups => groups.filter(each => each !== null))
    .filter(groups => groups.length > 0),
  groupPolicy: fc.constantFrom('none' as const, 'isolate' as const),
  rootRequired: fc.subarray(['CUSTOM_A'], { maxLength: 1 }),
  rootForbidden: fc.constant<string[]>([]),
  sameSubtrees: fc.constantFrom<string[][]>([], [['1', '2']]),
})

const idOf = (index: number): string => `p${index}`
const rootOf = (forest: Forest, index: number): number => {
  const parent = forest[index]?.parent ?? null
  return parent === null ? index : rootOf(forest, parent)
}
const isAbove = (forest: Forest, top: number, index: number | null): boolean =>
  index !== null && (index === top || isAbove(forest, top, forest[index]?.parent ?? null))

function snapshotOf(forest: Forest): Snapshot {
  const snapshot = new Snapshot()
  const table = (names: readonly string[]) => new NameTable(names.map((name, id) => ({ id, name, updated_at: 0 })))
  snapshot.classes = table(classes)
  snapshot.traits = table(traits)
  snapshot.apply({ removedKeys: [], providers: forest.map((_, index) => rowsOf(forest, index)) })
  return snapshot
}

function rowsOf(forest: Forest, index: number): ProviderRows {
  const node = forest[index]
  if (node === undefined) throw new Error(`there is no provider ${index}`)
  return {
    key: index,
    uuid: idOf(index),
    name: idOf(index),
    generation: 0,
    parentKey: node.parent,
    rootKey: rootOf(forest, index),
    updatedAtMs: 0,
    inventories: Object.entries(node.stocks).map(([name, stock]) => ({
      ...stock,
      classId: classes.indexOf(name),
      reserved: 0,
      minUnit: 1,
      allocationRatio: 1,
      updatedAtMs: 0,
    })),
    traitIds: node.traits.map(name => traits.indexOf(name)),
    aggregates: node.aggregates,
    usages: Object.entries(node.stocks).map(([name, { used }]) => ({ classId: classes.indexOf(name), used })),
  }
}

/** One attempt: who gives what to which group. */
interface Taken {
  readonly group: RequestGroup
  readonly index: number
  readonly resourceClass: string | null
  readonly amount: number
}

/** Every way to give every class of every group to anybody (a suffixed group to one provider), rules not yet asked. */
function attempts(forest: Forest, groups: readonly RequestGroup[]): Taken[][] {
  const everyone = forest.map((_, index) => index)
  const choices = groups.map((group): Taken[][] => {
    const parts = Object.entries(group.resources)
    if (group.suffix !== '') {
      return everyone.map(index =>
        parts.length === 0
          ? [{ group, index, resourceClass: null, amount: 0 }]
          : parts.map(([resourceClass, amount]) => ({ group, index, resourceClass, amount })),
      )
    }
    return parts.reduce<Taken[][]>(
      (sofar, [resourceClass, amount]) =>
        sofar.flatMap(taken => everyone.map(index => [...taken, { group, index, resourceClass, amount }])),
      [[]],
    )
  })
  return choices.reduce<Taken[][]>((sofar, next) => sofar.flatMap(a => next.map(b => [...a, ...b])), [[]])
}

const hasAny = (of: readonly string[] | undefined, names: readonly string[]) =>
  names.some(name => of?.includes(name) === true)

function obeysGroup(forest: Forest, anchor: number, group: RequestGroup, used: readonly number[]): boolean {
  const traitsOf = (index: number) => forest[index]?.traits
  const inAll = (index: number) => group.memberOf.every(ids => hasAny(forest[index]?.aggregates, ids))
  const barred = (index: number) => hasAny(forest[index]?.aggregates, group.notMemberOf)
  if (used.some(index => hasAny(traitsOf(index), group.forbidden))) return false
  if (!group.required.every(names => used.some(index => hasAny(traitsOf(index), names)))) return false
  if (group.suffix !== '') return used.every(index => inAll(index) && !barred(index))
  return used.every(index => {
    const lent = rootOf(forest, index) !== anchor
    return (inAll(index) || (!lent && inAll(anchor))) && !barred(index) && !barred(anchor)
  })
}

function obeys(forest: Forest, anchor: number, query: CandidateQuery, taken: readonly Taken[]): boolean {
  const reachable = (index: number) =>
    rootOf(forest, index) === anchor ||
    (forest[index]?.traits.includes('MISC_SHARES_VIA_AGGREGATE') === true &&
      forest.some(
        (node, other) => rootOf(forest, other) === anchor && hasAny(node.aggregates, forest[index]?.aggregates ?? []),
      ))
  if (!query.rootRequired.every(name => forest[anchor]?.traits.includes(name))) return false
  if (!taken.every(({ index }) => reachable(index))) return false
  const usedBy = (suffix: string) => [...new Set(taken.filter(t => t.group.suffix === suffix).map(t => t.index))]
  if (!query.groups.every(group => obeysGroup(forest, anchor, group, usedBy(group.suffix)))) return false
  const suffixed = query.groups.filter(group => group.suffix !== '')
  const providers = new Set(suffixed.flatMap(group => usedBy(group.suffix)))
  if (query.groupPolicy === 'isolate' && providers.size < suffixed.length) return false
  for (const suffixes of query.sameSubtrees) {
    const tied = suffixes.flatMap(usedBy)
    if (!tied.some(top => tied.every(index => isAbove(forest, top, index)))) return false
  }
  const sums = new Map<string, number>()
  for (const { index, resourceClass, amount } of taken) {
    if (resourceClass === null) continue
    const stock = forest[index]?.stocks[resourceClass]
    const sum = (sums.get(`${index} ${resourceClass}`) ?? 0) + amount
    sums.set(`${index} ${resourceClass}`, sum)
    if (stock === undefined || amount % stock.stepSize !== 0) return false
    if (sum > stock.maxUnit || stock.used + sum > stock.total) return false
  }
  return true
}

const canonical = (
  parts: readonly (readonly [string, string, number])[],
  mappings: readonly (readonly [string, readonly string[]])[],
) => {
  const sums = new Map<string, number>()
  for (const [id, name, amount] of parts) sums.set(`${id} ${name}`, (sums.get(`${id} ${name}`) ?? 0) + amount)
  const mapped = mappings.map(([suffix, ids]) => `${suffix}=${[...new Set(ids)].sort().join()}`).sort()
  return `${[...sums]
    .map(([key, sum]) => `${key} ${sum}`)
    .sort()
    .join('; ')} | ${mapped.join(' ')}`
}

const ofTaken = (query: CandidateQuery, taken: readonly Taken[]) =>
  canonical(
    taken.flatMap(t => (t.resourceClass === null ? [] : [[idOf(t.index), t.resourceClass, t.amount] as const])),
    query.groups.map(g => [g.suffix, taken.filter(t => t.group === g).map(t => idOf(t.index))] as const),
  )

const ofRequest = (request: AllocationRequest) =>
  canonical(
    Object.entries(request.allocations).flatMap(([id, resources]) =>
      Object.entries(resources).map(([name, amount]) => [id, name, amount] as const),
    ),
    Object.entries(request.mappings),
  )

function oracle(forest: Forest, query: CandidateQuery): string[] {
  const roots = forest.flatMap((node, index) => (node.parent === null ? [index] : []))
  const found = new Set<string>()
  for (const taken of attempts(forest, query.groups)) {
    if (roots.some(anchor => obeys(forest, anchor, query, taken))) found.add(ofTaken(query, taken))
  }
  return [...found].sort()
}

/** Whether a suffix that `same_subtree` names is asked for at all. */
const isSensible = (query: CandidateQuery): boolean =>
  query.sameSubtrees.flat().every(suffix => query.groups.some(g => g.suffix === suffix)) &&
  query.groups.some(g => Object.keys(g.resources).length > 0)

test('candidates are exactly what the brute-force oracle finds', () => {
  let found = 0
  fc.assert(
    fc.property(forests, queries, (forest, query) => {
      fc.pre(isSensible(query))
      const expected = oracle(forest, query)
      found += expected.length
      assert.deepEqual(findCandidates(snapshotOf(forest), query).requests.map(ofRequest).sort(), expected)
    }),
    { numRuns: 1500 },
  )
  assert.ok(found > 200, `the queries found next to nothing: ${found}`)
})

test('a limit keeps a part of all candidates, under either strategy, with the summaries of the trees used', () => {
  fc.assert(
    fc.property(forests, queries, fc.integer({ min: 1, max: 3 }), (forest, query, limit) => {
      fc.pre(isSensible(query))
      const snapshot = snapshotOf(forest)
      const all = findCandidates(snapshot, query).requests.map(ofRequest)
      for (const strategy of ['depth-first', 'breadth-first'] as const) {
        const { requests, summaries } = findCandidates(snapshot, { ...query, limit }, { nested: true, strategy })
        assert.equal(requests.length, Math.min(limit, all.length))
        assert.deepEqual(
          requests.map(ofRequest).filter(one => !all.includes(one)),
          [],
        )
        const used = new Set(requests.flatMap(request => Object.keys(request.allocations)))
        const roots = new Set([...used].map(id => snapshot.provider(id)?.root.id))
        assert.deepEqual(new Set(Object.values(summaries).map(summary => summary.rootId)), roots)
      }
    }),
    { numRuns: 300 },
  )
})

/** Mostly what is kept: clouds in which nobody lends, and questions of one group. */
const plainForests = forests.map(nodes => nodes.map(node => ({ ...node, traits: node.traits.slice(0, 1) })))
const plainQueries = fc.oneof(
  { weight: 1, arbitrary: queries },
  {
    weight: 3,
    arbitrary: fc.tuple(queries, group('')).map(([query, one]) => ({ ...query, groups: [one], sameSubtrees: [] })),
  },
)

/** What happens to a cloud between two questions. */
const changes = fc.array(
  fc.record({
    index: fc.nat(5),
    kind: fc.constantFrom('claim', 'claim', 'report', 'remove', 'return', 'nest'),
    node: plainForests.map(([first]) => first),
  }),
  { minLength: 1, maxLength: 12 },
)

test('candidates that are kept up with changes are those of a search, and an answer stays as it was given', () => {
  let kept = 0
  fc.assert(
    fc.property(plainForests, fc.array(plainQueries, { minLength: 1, maxLength: 3 }), changes, (start, asked, list) => {
      const forest = start.map(node => ({ ...node, parent: null as number | null }))
      const snapshot = snapshotOf(forest)
      const plain = (query: CandidateQuery, limit?: number) => {
        const { requests, summaries } = searchCandidates(snapshot, limit === undefined ? query : { ...query, limit })
        return structuredClone({ requests, summaries })
      }
      for (const { index: number, kind, node } of list) {
        const given = asked.map(query => ({ answer: findCandidates(snapshot, query), expected: plain(query) }))
        const index = number % forest.length
        const there = snapshot.provider(idOf(index))
        if (kind === 'claim' && there !== undefined) {
          const [name = 'VCPU'] = there.stocks.keys()
          snapshot.applyUsage(there, new Map([[name, (number % 2) * 2 - 1]]), true, 1)
        } else if (kind === 'remove') snapshot.apply({ removedKeys: [index], providers: [] })
        else if (node !== undefined && (there !== undefined || kind === 'return')) {
          const parent = kind === 'nest' && index > 0 && snapshot.provider(idOf(0)) !== undefined ? 0 : null
          forest[index] = { ...node, parent }
          snapshot.apply({ removedKeys: [], providers: [rowsOf(forest, index)] })
        }
        for (const { answer, expected } of given) {
          if (answer.alone !== undefined) kept++
          assert.deepEqual({ requests: answer.requests, summaries: { ...answer.summaries } }, expected)
          for (const id of answer.alone?.ids ?? []) assert.deepEqual(answer.alone?.summary(id), expected.summaries[id])
        }
        for (const query of asked) {
          for (const limit of [undefined, 1, 2]) {
            const { requests, summaries } = findCandidates(snapshot, limit === undefined ? query : { ...query, limit })
            assert.deepEqual({ requests, summaries: { ...summaries } }, plain(query, limit))
          }
        }
      }
    }),
    { numRuns: 400 },
  )
  assert.ok(kept > 200, `hardly anything was kept: ${kept}`)
})
