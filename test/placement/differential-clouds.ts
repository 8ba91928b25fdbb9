import { aggregates, type Both, classes, id, traits } from './differential-words.ts'

let state = 1
export const seedWith = (seed: number): void => {
  state = seed
}

/** A small linear congruential generator: the seed reproduces a run. */
const random = (below: number): number => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
  return Math.floor((state / 2_147_483_648) * below)
}
const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
const some = <T>(from: readonly T[], oneIn = 2): T[] => from.filter(() => random(oneIn) === 0)

export interface Cloud {
  readonly providers: readonly number[]
  readonly hasLenders: boolean
}

/** A random forest with inventories, traits, aggregates, lenders and usage. */
export async function makeCloud(both: Both, round: number): Promise<Cloud> {
  const first = 1_000_000 + round * 1000
  const providers: number[] = []
  let hasLenders = false
  for (let n = 0; n < 3 + random(6); n++) {
    const parent = providers.length > 0 && random(2) === 0 ? pick(providers) : undefined
    const uuid = id(first + n)
    await both('POST', '/resource_providers', 39, {
      name: `${round}-${n}`,
      uuid,
      ...(parent === undefined ? {} : { parent_provider_uuid: id(parent) }),
    })
    const inventories = Object.fromEntries(
      some([...classes, ...classes]).map(name => [
        name,
        {
          total: 3 + random(14),
          reserved: random(2),
          allocation_ratio: pick([1, 1.5, 2]),
          max_unit: pick([2, 4, 100]),
          step_size: pick([1, 1, 2]),
        },
      ]),
    )
    for (const inventory of Object.values(inventories))
      inventory.reserved = Math.min(inventory.reserved, inventory.total)
    await both('PUT', `/resource_providers/${uuid}/inventories`, 39, { resource_provider_generation: 0, inventories })
    const lends = random(4) === 0
    hasLenders ||= lends
    const own = [...some(traits), ...(lends ? ['MISC_SHARES_VIA_AGGREGATE'] : [])]
    await both('PUT', `/resource_providers/${uuid}/traits`, 39, { resource_provider_generation: 1, traits: own })
    const generation = own.length === 0 ? 1 : 2
    await both('PUT', `/resource_providers/${uuid}/aggregates`, 39, {
      resource_provider_generation: generation,
      aggregates: some(aggregates, 3),
    })
    if (random(3) === 0 && inventories['VCPU'] !== undefined) {
      await both('PUT', `/allocations/${id(700_000 + first + n)}`, 38, {
        allocations: { [uuid]: { resources: { VCPU: 1 + random(2) } } },
        project_id: 'p',
        user_id: 'u',
        consumer_generation: null,
        consumer_type: 'INSTANCE',
      })
    }
    providers.push(first + n)
  }
  return { providers, hasLenders }
}

function groupQuery(suffix: string, minor: number, cloud: Cloud, mayBeEmpty: boolean): string[] {
  const query: string[] = []
  const resources = some(classes, 3).map(name => `${name}:${1 + random(2)}`)
  if (resources.length === 0 && !mayBeEmpty) resources.push('VCPU:1')
  if (resources.length > 0) query.push(`resources${suffix}=${resources.join()}`)
  // A group without resources must ask for something: the original finds nobody for an empty or a merely negative one.
  const forced = resources.length === 0
  if (minor >= 17 && (forced || random(4) === 0))
    query.push(
      `required${suffix}=${pick(traits)}${minor >= 22 && !forced && random(2) === 0 ? `,!${pick(traits)}` : ''}`,
    )
  else if (minor >= 39 && random(4) === 0) query.push(`required${suffix}=in:${pick(traits)},${pick(traits)}`)
  if (minor >= 21 && random(5) === 0)
    query.push(`member_of${suffix}=${pick([...aggregates, `in:${aggregates[0]},${aggregates[1]}`])}`)
  if (minor >= 32 && random(5) === 0) query.push(`member_of${suffix}=!${pick(aggregates)}`)
  if (minor >= 31 && !forced && random(6) === 0) query.push(`in_tree${suffix}=${id(pick(cloud.providers))}`)
  return query
}

export function candidateQuery(cloud: Cloud): [minor: number, query: string] {
  const minor = pick([10, 12, 17, 21, 22, 25, 27, 29, 31, 32, 33, 34, 35, 36, 36, 39, 39, 39, 39])
  const suffixes = minor >= 25 ? some(['1', '2', '3']) : []
  const query: string[] = []
  if (suffixes.length === 0 || random(2) === 0) query.push(...groupQuery('', minor, cloud, false))
  const tied = minor >= 36 && suffixes.length > 1 && random(2) === 0
  for (const suffix of suffixes) query.push(...groupQuery(suffix, minor, cloud, tied && random(3) === 0))
  // Without `none` the original adds up amounts of classes that two groups ask for in objects it shares between candidates.
  const asked = query
    .filter(part => part.startsWith('resources'))
    .flatMap(part => [...part.matchAll(/[A-Z_]+(?=:)/g)].map(String))
  const mayIsolate = new Set(asked).size === asked.length
  if (minor >= 25) query.push(`group_policy=${pick(['none', mayIsolate ? 'isolate' : 'none'])}`)
  if (tied) query.push(`same_subtree=${suffixes.join()}`)
  if (minor >= 35 && random(5) === 0) query.push(`root_required=${pick(['', '!'])}${pick(traits)}`)
  return [minor, query.join('&')]
}

export async function tearDown(both: Both, cloud: Cloud): Promise<void> {
  for (const n of cloud.providers) await both('DELETE', `/allocations/${id(700_000 + n)}`)
  for (const n of cloud.providers.toReversed()) await both('DELETE', `/resource_providers/${id(n)}`)
}
