import { declareFault } from '#base'
import type { Store } from '#store'
import type { ApiSettings } from '../deps.ts'

/** More than the project (or the user in it) may have; the text names every resource that is too much. */
export const QuotaExceeded = declareFault(
  'OverQuota',
  'refused',
  (p: { resources: readonly Excess[] }) => {
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
}

/** The class that holds an operator's changed defaults. */
const defaultClass = 'default'

/** Limits of a project, or of a user in it: his own, else the project's, else the class's, else nova.conf's. */
export async function limitsOf(
  store: Store,
  settings: ApiSettings,
  projectId: string,
  userId?: string,
): Promise<Readonly<Record<string, number>>> {
  return {
    ...settings.quotaDefaults,
    ...(await store.quotas.ofClass(defaultClass)),
    ...(await store.quotas.ofProject(projectId)),
    ...(userId === undefined ? {} : await store.quotas.ofUser(projectId, userId)),
  }
}

export interface Demand {
  readonly instances: number
  readonly cores: number
  readonly ram: number
}

const fits = (limit: number, used: number, requested: number): boolean => limit < 0 || used + requested <= limit

/**
 * What of the demand does not fit. Run it in the transaction that writes the instances: then the count is exact, however
 * many requests come at once.
 */
export async function excess(
  tx: Store,
  settings: ApiSettings,
  owner: { projectId: string; userId: string },
  demand: Demand,
): Promise<readonly Excess[]> {
  const project = await limitsOf(tx, settings, owner.projectId)
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
  const used: Record<keyof Demand, number> = { cores: usage.cores, instances: usage.instances, ram: usage.ramMiB }
  const found: Excess[] = []
  for (const resource of ['cores', 'instances', 'ram'] as const) {
    const limit = limits[resource] ?? -1
    if (!fits(limit, used[resource], demand[resource])) {
      found.push({ resource, requested: demand[resource], used: used[resource], limit })
    }
  }
  return found
}
