import type { Clock } from '#base'
import type { IdentityPort } from '#cloud'
import type { Limits, QuotaSource } from './quota-source.ts'

/** Keystone's names of what the API calls otherwise. */
export const unifiedNames: Readonly<Record<string, string>> = {
  instances: 'servers',
  cores: 'class:VCPU',
  ram: 'class:MEMORY_MB',
  metadata_items: 'server_metadata_items',
  injected_files: 'server_injected_files',
  injected_file_content_bytes: 'server_injected_file_content_bytes',
  injected_file_path_bytes: 'server_injected_file_path_bytes',
  key_pairs: 'server_key_pairs',
  server_groups: 'server_groups',
  server_group_members: 'server_group_members',
}

export interface UnifiedOptions {
  readonly identity: Pick<IdentityPort, 'limits'>
  readonly clock: Clock
  /** `[quota] unified_limits_resource_strategy` and `…_list`: which resources nobody gets without a registered limit. */
  readonly strategy: 'require' | 'ignore'
  readonly resources: readonly string[]
  readonly countsPinnedAsShared?: boolean
}

/** Between `prepare` and the checks of one request lies less than this. */
const freshMs = 5_000

/** Limits in Keystone. Users and classes have none of their own. */
export function unifiedQuotas(options: UnifiedOptions): QuotaSource {
  const { identity, clock, strategy, resources, countsPinnedAsShared = false } = options
  const listed = new Set(resources)
  const isRequired = (name: string): boolean => (strategy === 'require') === listed.has(name)
  const missing = (name: string): number => (isRequired(name) ? 0 : -1)
  const seen = new Map<string, { readonly limits: Limits; readonly atMs: number }>()

  /** Under our names; what is not registered is not allowed, or not limited. */
  function translate(found: Limits): Limits {
    const classes = Object.entries(found).filter(([name]) => name.startsWith('class:'))
    const named = Object.entries(unifiedNames).map(
      ([ours, theirs]) => [ours, found[theirs] ?? missing(theirs)] as const,
    )
    return Object.fromEntries([...classes, ...named])
  }
  async function look(projectId: string): Promise<Limits> {
    const limits = translate(await identity.limits(projectId))
    for (const [id, { atMs }] of seen) if (clock.now() - atMs > freshMs) seen.delete(id)
    seen.set(projectId, { limits, atMs: clock.now() })
    return limits
  }

  return {
    kind: 'unified',
    countsPinnedAsShared,
    prepare: async projectId => {
      await look(projectId)
    },
    unset: missing,
    defaults: async () => translate(await identity.limits(null)),
    limits: async (_store, projectId) => translate(await identity.limits(projectId)),
    async prepared(_tx, projectId) {
      const known = seen.get(projectId)
      return known !== undefined && clock.now() - known.atMs <= freshMs ? known.limits : look(projectId)
    },
  }
}
