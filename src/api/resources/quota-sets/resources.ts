import type { ApiDeps } from '../../deps.ts'
import { usageOf } from '../../quota/index.ts'

/** Everything that ever had a quota; the network's have been without effect since Nova lost its own network. */
export const networkQuotas = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules'] as const
export const fileQuotas = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes'] as const
export const lastingQuotas = ['instances', 'cores', 'ram', 'metadata_items', 'key_pairs'] as const
export const groupQuotas = ['server_groups', 'server_group_members'] as const
export const quotaNames = [...lastingQuotas, ...networkQuotas, ...fileQuotas, ...groupQuotas] as const
export type QuotaName = (typeof quotaNames)[number]

/** Set for a user, these count for his whole project. */
const perProject: ReadonlySet<string> = new Set(['fixed_ips', 'floating_ips'])
export const userOf = (name: string, userId: string | undefined): string | null =>
  userId === undefined || perProject.has(name) ? null : userId

export type Numbers = Readonly<Record<QuotaName, number>>

export const each = (value: (name: QuotaName) => number): Numbers =>
  Object.fromEntries(quotaNames.map(name => [name, value(name)])) as Numbers

/** Limits that nobody has named: without a bound. */
export const completed = (limits: Readonly<Record<string, number>>): Numbers => each(name => limits[name] ?? -1)

/** What is used. Key pairs and members of groups have no owner that could be counted here: always 0, as in Nova. */
export async function usedBy(deps: ApiDeps, projectId: string, userId?: string): Promise<Numbers> {
  const { instances, cores, ramMiB } = await usageOf(deps, projectId, userId)
  const server_groups = await deps.store.serverGroups.count(projectId, userId)
  const used: Partial<Record<QuotaName, number>> = { instances, cores, ram: ramMiB, server_groups }
  return each(name => used[name] ?? 0)
}
