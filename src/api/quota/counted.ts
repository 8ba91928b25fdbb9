import { flavorResources } from '#model'
import { type Store, turnOf, type Usage } from '#store'
import { gathered, severalCells } from '../cells.ts'
import type { ApiDeps } from '../deps.ts'

export interface Owner {
  readonly projectId: string
  readonly userId: string
}

/** Servers, and amounts by resource class, of a project and of its resizes on their way. */
export interface UsedClasses {
  readonly servers: number
  readonly used: Readonly<Record<string, number>>
}

/** What a project, and a user in it, has in all cells. */
export interface Counted {
  readonly project: Usage
  readonly user: Usage
  readonly classes: UsedClasses
}

export async function usedClasses(store: Store, projectId: string): Promise<UsedClasses> {
  const { cores, ramMiB } = await store.instances.pendingGrowth(projectId)
  const used: Record<string, number> = { VCPU: cores, MEMORY_MB: ramMiB }
  let servers = 0
  for (const { flavor, isVolumeBacked, count } of await store.instances.flavorCounts(projectId)) {
    servers += count
    for (const [name, amount] of Object.entries(flavorResources(flavor, isVolumeBacked)))
      used[name] = (used[name] ?? 0) + count * amount
  }
  return { servers, used }
}

const noUsage: Usage = { instances: 0, cores: 0, ramMiB: 0 }

const add = (a: Usage, b: Usage): Usage => ({
  instances: a.instances + b.instances,
  cores: a.cores + b.cores,
  ramMiB: a.ramMiB + b.ramMiB,
})

function addClasses(a: UsedClasses, b: UsedClasses): UsedClasses {
  const names = new Set([...Object.keys(a.used), ...Object.keys(b.used)])
  const used = Object.fromEntries([...names].map(name => [name, (a.used[name] ?? 0) + (b.used[name] ?? 0)]))
  return { servers: a.servers + b.servers, used }
}

/** What is used in all cells that can be asked. */
export async function usageOf(deps: ApiDeps, projectId: string, userId?: string): Promise<Usage> {
  const found = await gathered(deps, ({ store }) => store.instances.usage(projectId, userId))
  return found.reduce(add, noUsage)
}

async function countIn(own: ApiDeps, { projectId, userId }: Owner): Promise<Counted> {
  const { instances } = own.store
  const isUnified = own.quotas.kind === 'unified'
  return {
    project: isUnified ? noUsage : await instances.usage(projectId),
    user: isUnified ? noUsage : await instances.usage(projectId, userId),
    classes: isUnified ? await usedClasses(own.store, projectId) : { servers: 0, used: {} },
  }
}

/**
 * For what will use more of a quota. In one cell that is decided in the transaction that writes it, and nothing is counted
 * here. In several, whoever uses more holds the project's turn meanwhile: then what is counted at its beginning can only
 * become less, and the transaction goes by that. A cell that is away is left out, as in Nova.
 */
export async function inUsageTurn<T>(
  deps: ApiDeps,
  { projectId, userId }: Owner,
  work: (counted: Counted | undefined) => Promise<T>,
): Promise<T> {
  if (deps.quotas.kind === 'noop' || (await severalCells(deps)) === undefined) return work(undefined)
  return deps.store.hold([turnOf.usage(projectId)], async () => {
    const parts = await gathered(deps, own => countIn(own, { projectId, userId }))
    return work(
      parts.reduce((a, b) => ({
        project: add(a.project, b.project),
        user: add(a.user, b.user),
        classes: addClasses(a.classes, b.classes),
      })),
    )
  })
}
