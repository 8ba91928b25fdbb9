import type { Store } from '#store'

/** Limits by resource: the API's names, and in unified limits `class:…` for what else placement counts; -1 = none. */
export type Limits = Readonly<Record<string, number>>

/** Where limits come from: `[quota] driver`. */
export interface QuotaSource {
  readonly kind: 'db' | 'unified' | 'noop'
  /** Unified limits: pinned CPUs count as the others; `[workarounds] unified_limits_count_pcpu_as_vcpu`. */
  readonly countsPinnedAsShared?: boolean
  /**
   * Fetches what the next checks of this project need. To be called before a transaction: inside one, nothing may wait for
   * another service.
   */
  prepare(projectId: string): Promise<void>
  /** Limits of a project, or of a user in it, as they are now. */
  limits(store: Store, projectId: string, userId?: string): Promise<Limits>
  /** For transactions: as they were when they were prepared. */
  prepared(tx: Store, projectId: string, userId?: string): Promise<Limits>
  /** The limit of a resource that nobody has set a limit for. */
  unset(resource: string): number
  /** What a project has whose limits nobody has set. */
  defaults(store: Store, className: string): Promise<Limits>
}

/** Limits in our own tables: a user's own, else the project's, else the class's, else nova.conf's. */
export function databaseQuotas(fromConfig: Limits): QuotaSource {
  const defaults = async (store: Store, className: string) => ({
    ...fromConfig,
    ...(await store.quotas.ofClass(className)),
  })
  const limits: QuotaSource['limits'] = async (store, projectId, userId) => ({
    ...(await defaults(store, 'default')),
    ...(await store.quotas.ofProject(projectId)),
    ...(userId === undefined ? {} : await store.quotas.ofUser(projectId, userId)),
  })
  return { kind: 'db', prepare: async () => undefined, unset: () => -1, defaults, limits, prepared: limits }
}

/** nova.quota.NoopQuotaDriver: nothing is limited. */
export const noQuotas: QuotaSource = {
  kind: 'noop',
  prepare: async () => undefined,
  unset: () => -1,
  defaults: async () => ({}),
  limits: async () => ({}),
  prepared: async () => ({}),
}
