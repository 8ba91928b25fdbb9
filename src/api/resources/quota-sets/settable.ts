import { declareFault } from '#base'
import type { ApiDeps } from '../../deps.ts'
import { completed, type QuotaName, usedBy } from './resources.ts'

export const BadQuota = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)

interface Range {
  readonly low: number
  readonly high: number
}

const isUnlimited = (limit: number): boolean => limit <= -1
const sum = (a: number, b: number): number => (isUnlimited(a) || isUnlimited(b) ? -1 : a + b)
const difference = (a: number, b: number): number => (isUnlimited(a) || isUnlimited(b) ? -1 : a - b)

/**
 * What a limit may become without force: at least what is used, and room for what users of the project have been given;
 * for a user at most what the others leave him. -1 is without bound.
 */
export async function settable(deps: ApiDeps, projectId: string, userId?: string): Promise<(name: QuotaName) => Range> {
  const { store } = deps
  const limits = completed(await deps.quotas.limits(store, projectId))
  const given = await store.quotas.sumOfUsers(projectId)
  const used = await usedBy(deps, projectId, userId)
  const left = (name: QuotaName): number => limits[name] - (given[name] ?? 0)
  if (userId === undefined) {
    return name => ({ low: Math.max(difference(limits[name], left(name)), used[name]), high: -1 })
  }
  const own = await store.quotas.ofUser(projectId, userId)
  return name => ({ low: used[name], high: sum(left(name), own[name] ?? 0) })
}

const bound = (limit: number): number => (limit === -1 ? Number.POSITIVE_INFINITY : limit)

export function mustFit(name: string, limit: number, { low, high }: Range): void {
  if (bound(limit) < bound(low)) {
    throw BadQuota({
      text: `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${low}.`,
    })
  }
  if (bound(limit) > bound(high)) {
    throw BadQuota({ text: `Quota limit ${limit} for ${name} must be less than or equal to ${high}.` })
  }
}
