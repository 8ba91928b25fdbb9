import { badRequest, notAcceptable } from './errors.ts'

/** The API is 1.x: a version is its minor number. */
export const newestMinor = 39

/** What a version changed, by name; handlers ask for the name. */
const since = {
  /** Resource class PUT creates, and no longer renames. */
  classPutCreates: 7,
  traitLinks: 6,
  aggregateLinks: 1,
  allocationLinks: 11,
  /** Allocations are a dictionary by provider, and consumers show their project and user. */
  allocationsByProvider: 12,
  providerTrees: 14,
  cacheHeaders: 15,
  summaryTraits: 17,
  aggregateGenerations: 19,
  createdProviderBody: 20,
  forbiddenTraits: 22,
  errorCodes: 23,
  repeatedMemberOf: 24,
  reservedMayBeTotal: 26,
  allClassesInSummaries: 27,
  consumerGenerations: 28,
  nestedCandidates: 29,
  forbiddenAggregates: 32,
  wordSuffixes: 33,
  mappings: 34,
  sameSubtree: 36,
  reparenting: 37,
  consumerTypes: 38,
  anyTraits: 39,
} as const

export type Behaviour = keyof typeof since

export const hasBehaviour = (minor: number, behaviour: Behaviour): boolean => minor >= since[behaviour]

/** Reads `OpenStack-API-Version`; a list of services may share the header, and without ours the oldest version speaks. */
export function readVersion(header: string | undefined): number {
  let wanted: string | undefined
  for (const entry of (header ?? '').split(',')) {
    const [service, version] = entry.trim().split(/\s+/)
    if (service?.toLowerCase() === 'placement') wanted = version ?? ''
  }
  if (wanted === undefined) return 0
  if (wanted.toLowerCase() === 'latest') return newestMinor
  const match = /^(\d+)\.(\d+)$/.exec(wanted)
  if (match === null) throw badRequest(`Invalid microversion: invalid version string: ${wanted}`)
  const minor = Number(match[2])
  if (match[1] !== '1' || minor > newestMinor) {
    throw notAcceptable(`Invalid microversion: Unacceptable version header: ${wanted}`)
  }
  return minor
}
