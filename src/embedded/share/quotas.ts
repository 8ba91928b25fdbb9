import type { Core } from './core.ts'
import { OverLimit } from './faults.ts'

/** Manila's own defaults. */
export const defaultLimits = {
  shares: 50,
  gigabytes: 1000,
  snapshots: 50,
  snapshot_gigabytes: 1000,
  share_networks: 10,
} as const satisfies Readonly<Record<string, number>>
export type QuotaName = keyof typeof defaultLimits
export const quotaNames = Object.keys(defaultLimits) as readonly QuotaName[]

export function limitsOf(core: Core, projectId: string): Record<string, number> {
  const own = core.state.table('share_quotas').by('project', projectId)
  return { ...defaultLimits, ...Object.fromEntries(own.map(row => [row.resource, row.hard_limit])) }
}

/** There are no snapshots and no networks of shares here. */
export function usageOf(core: Core, projectId: string): Record<QuotaName, number> {
  const shares = core.state.table('share_shares').by('project', projectId)
  return {
    shares: shares.length,
    gigabytes: shares.reduce((sum, row) => sum + row.size_gib, 0),
    snapshots: 0,
    snapshot_gigabytes: 0,
    share_networks: 0,
  }
}

/** Called inside the change that uses it, so that two cannot share the last place. */
export function requireQuota(core: Core, projectId: string, more: { shares: number; gigabytes: number }): void {
  const limits = limitsOf(core, projectId)
  const used = usageOf(core, projectId)
  const isOver = (name: 'shares' | 'gigabytes') => {
    const limit = limits[name] ?? -1
    return limit >= 0 && more[name] > 0 && used[name] + more[name] > limit
  }
  if (isOver('gigabytes')) {
    throw OverLimit({
      reason: 'Requested share exceeds allowed project/user or share type gigabytes quota.',
    })
  }
  if (isOver('shares')) {
    throw OverLimit({
      reason: `Maximum number of shares allowed (${limits['shares']}) either per project/user or share type quota is exceeded.`,
    })
  }
}

export async function setLimits(
  core: Core,
  projectId: string,
  limits: Readonly<Record<string, number>>,
): Promise<void> {
  await core.state.change(change => {
    for (const [resource, hard_limit] of Object.entries(limits))
      change.put('share_quotas', { project_id: projectId, resource, hard_limit })
  })
}

export async function resetLimits(core: Core, projectId: string): Promise<void> {
  await core.state.change(change => {
    for (const row of core.state.table('share_quotas').by('project', projectId)) change.remove('share_quotas', row)
  })
}
