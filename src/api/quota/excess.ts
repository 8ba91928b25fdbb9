import { declareFault } from '#base'
import { type Flavor, flavorResources } from '#model'
import { type Store, turnOf, type Usage } from '#store'
import { type Counted, type Owner, usedClasses } from './counted.ts'
import type { QuotaSource } from './quota-source.ts'
import { unifiedNames } from './unified.ts'

/** More than the project (or the user in it) may have; the text names every resource that is too much. */
export const QuotaExceeded = declareFault(
  'OverQuota',
  'refused',
  (p: { resources: readonly Excess[] }) => {
    const [{ unified } = {}] = p.resources
    if (unified !== undefined) {
      const parts = p.resources.map(
        r =>
          `Resource ${r.resource} is over limit of ${r.limit} due to current usage ${r.used} and delta ${r.requested}`,
      )
      return `Project ${unified.projectId} is over a limit for [${parts.join(', ')}]`
    }
    const names = p.resources.map(r => r.resource).join(', ')
    const requested = p.resources.map(r => r.requested).join(', ')
    const used = p.resources.map(r => r.used).join(', ')
    const limits = p.resources.map(r => r.limit).join(', ')
    return `Quota exceeded for ${names}: Requested ${requested}, but already used ${used} of ${limits} ${names}`
  },
  403,
)

export interface Excess {
  readonly resource: string
  readonly requested: number
  readonly used: number
  readonly limit: number
  /** Present in unified limits, whose names these are. */
  readonly unified?: { readonly projectId: string }
}

export interface Demand {
  readonly instances: number
  readonly cores: number
  readonly ram: number
  /** By resource class, for unified limits; CPUs and memory alone where nothing else changes. */
  readonly classes?: Readonly<Record<string, number>>
}

/** What so many servers of a flavor take. */
export const demandOf = (flavor: Flavor, isVolumeBacked: boolean, count: number): Demand => ({
  instances: count,
  cores: count * flavor.vcpus,
  ram: count * flavor.memoryMiB,
  classes: Object.fromEntries(
    Object.entries(flavorResources(flavor, isVolumeBacked)).map(([name, amount]) => [name, count * amount]),
  ),
})

const fits = (limit: number, used: number, requested: number): boolean => limit < 0 || used + requested <= limit

/**
 * What of the demand does not fit. Run it in the transaction that writes the instances: then the count is exact, however
 * many requests come at once. `counted`: what there is in several cells, see `inUsageTurn`.
 */
export async function excess(
  tx: Store,
  { quotas }: { readonly quotas: QuotaSource },
  owner: Owner,
  demand: Demand,
  counted: Counted | undefined,
): Promise<readonly Excess[]> {
  if (quotas.kind === 'noop') return []
  if (counted === undefined) await tx.turn(turnOf.usage(owner.projectId))
  if (quotas.kind === 'unified') return unifiedExcess(tx, quotas, owner, demand, counted)
  const project = await quotas.prepared(tx, owner.projectId)
  const ownLimits = await tx.quotas.ofUser(owner.projectId, owner.userId)
  const found = compare(project, counted?.project ?? (await tx.instances.usage(owner.projectId)), demand)
  if (found.length > 0 || Object.keys(ownLimits).length === 0) return found
  const ownUsage = counted?.user ?? (await tx.instances.usage(owner.projectId, owner.userId))
  return compare({ ...project, ...ownLimits }, ownUsage, demand)
}

function compare(limits: Readonly<Record<string, number>>, usage: Usage, demand: Demand): Excess[] {
  const used = { cores: usage.cores, instances: usage.instances, ram: usage.ramMiB }
  const found: Excess[] = []
  for (const resource of ['cores', 'instances', 'ram'] as const) {
    const limit = limits[resource] ?? -1
    if (!fits(limit, used[resource], demand[resource])) {
      found.push({ resource, requested: demand[resource], used: used[resource], limit })
    }
  }
  return found
}

/** The API's names by Keystone's. */
const apiNames = new Map(Object.entries(unifiedNames).map(([ours, theirs]) => [theirs, ours]))

type Amounts = Readonly<Record<string, number>>

const asCounted = (amounts: Amounts): Amounts => amounts

const withoutPinned = ({ PCPU = 0, ...others }: Amounts): Amounts =>
  PCPU === 0 ? others : { ...others, VCPU: (others['VCPU'] ?? 0) + PCPU }

async function unifiedExcess(
  tx: Store,
  quotas: QuotaSource,
  owner: Owner,
  demand: Demand,
  counted: Counted | undefined,
): Promise<Excess[]> {
  const { projectId } = owner
  const limits = await quotas.prepared(tx, projectId)
  const count = quotas.countsPinnedAsShared === true ? withoutPinned : asCounted
  const classes = count(demand.classes ?? { VCPU: demand.cores, MEMORY_MB: demand.ram })
  const { servers, used: taken } = counted?.classes ?? (await usedClasses(tx, projectId))
  const used = count(taken)
  const limitOf = (resource: string): number => limits[apiNames.get(resource) ?? resource] ?? quotas.unset(resource)
  const asked = [
    { resource: 'servers', requested: demand.instances, used: servers },
    ...Object.entries(classes).map(([name, amount]) => ({
      resource: `class:${name}`,
      requested: amount,
      used: used[name] ?? 0,
    })),
  ]
  return asked
    .filter(({ requested }) => requested > 0)
    .flatMap(one => {
      const limit = limitOf(one.resource)
      return fits(limit, one.used, one.requested) ? [] : [{ ...one, limit, unified: { projectId } }]
    })
}
