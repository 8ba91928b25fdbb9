import { declareFault } from '#base'
import { type Flavor, flavorResources } from '#model'
import { type Store, turnOf } from '#store'
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

type Owner = { readonly projectId: string; readonly userId: string }

const fits = (limit: number, used: number, requested: number): boolean => limit < 0 || used + requested <= limit

/**
 * What of the demand does not fit. Run it in the transaction that writes the instances: then the count is exact, however
 * many requests come at once.
 */
export async function excess(
  tx: Store,
  { quotas }: { readonly quotas: QuotaSource },
  owner: Owner,
  demand: Demand,
): Promise<readonly Excess[]> {
  if (quotas.kind === 'noop') return []
  await tx.turn(turnOf.usage(owner.projectId))
  if (quotas.kind === 'unified') return unifiedExcess(tx, quotas, owner, demand)
  const project = await quotas.prepared(tx, owner.projectId)
  const ownLimits = await tx.quotas.ofUser(owner.projectId, owner.userId)
  const found = compare(project, await tx.instances.usage(owner.projectId), demand)
  if (found.length > 0 || Object.keys(ownLimits).length === 0) return found
  return compare({ ...project, ...ownLimits }, await tx.instances.usage(owner.projectId, owner.userId), demand)
}

function compare(
  limits: Readonly<Record<string, number>>,
  usage: { instances: number; cores: number; ramMiB: number },
  demand: Demand,
): Excess[] {
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

/** Servers, and amounts by resource class, of the project and of resizes on their way. */
async function usedClasses(tx: Store, projectId: string) {
  const { cores, ramMiB } = await tx.instances.pendingGrowth(projectId)
  const used: Record<string, number> = { VCPU: cores, MEMORY_MB: ramMiB }
  let servers = 0
  for (const { flavor, isVolumeBacked, count } of await tx.instances.flavorCounts(projectId)) {
    servers += count
    for (const [name, amount] of Object.entries(flavorResources(flavor, isVolumeBacked)))
      used[name] = (used[name] ?? 0) + count * amount
  }
  return { servers, used }
}

type Amounts = Readonly<Record<string, number>>

const asCounted = (amounts: Amounts): Amounts => amounts

const withoutPinned = ({ PCPU = 0, ...others }: Amounts): Amounts =>
  PCPU === 0 ? others : { ...others, VCPU: (others['VCPU'] ?? 0) + PCPU }

async function unifiedExcess(tx: Store, quotas: QuotaSource, owner: Owner, demand: Demand): Promise<Excess[]> {
  const { projectId } = owner
  const limits = await quotas.prepared(tx, projectId)
  const count = quotas.countsPinnedAsShared === true ? withoutPinned : asCounted
  const classes = count(demand.classes ?? { VCPU: demand.cores, MEMORY_MB: demand.ram })
  const { servers, used: taken } = await usedClasses(tx, projectId)
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
