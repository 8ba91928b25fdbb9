import { type Flavor, flavorResources } from '#model'
import { type BuildingServer, type CountedPart, type Store, turnOf, type Usage } from '#store'
import { type ApiCells, severalCells } from '../cells.ts'
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

interface FlavorCount {
  readonly flavor: Flavor
  readonly isVolumeBacked: boolean
  readonly count: number
}

const noUsage: Usage = { instances: 0, cores: 0, ramMiB: 0 }
const noClasses: UsedClasses = { servers: 0, used: {} }

function classesOf(counts: readonly FlavorCount[]): UsedClasses {
  const used: Record<string, number> = {}
  let servers = 0
  for (const { flavor, isVolumeBacked, count } of counts) {
    servers += count
    for (const [name, amount] of Object.entries(flavorResources(flavor, isVolumeBacked)))
      used[name] = (used[name] ?? 0) + count * amount
  }
  return { servers, used }
}

export async function usedClasses(store: Store, projectId: string, part?: CountedPart): Promise<UsedClasses> {
  const { cores, ramMiB } = await store.instances.pendingGrowth(projectId)
  const growing: UsedClasses = { servers: 0, used: { VCPU: cores, MEMORY_MB: ramMiB } }
  return addClasses(growing, classesOf(await store.instances.flavorCounts(projectId, part)))
}

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

const usageOfBuilding = (servers: readonly BuildingServer[]): Usage =>
  servers.map(({ flavor }) => ({ instances: 1, cores: flavor.vcpus, ramMiB: flavor.memoryMiB })).reduce(add, noUsage)

/**
 * What all cells that can be asked count, each its part. A server that is on its way from home to its cell is in both for a
 * moment: those that are being built at home are counted there one by one, and left out elsewhere. They are read before what
 * else is at home, so that none is in neither.
 */
async function partsOf<T>(
  cells: ApiCells,
  projectId: string,
  count: (store: Store, part: CountedPart) => Promise<T>,
  ofBuilding: (servers: readonly BuildingServer[]) => T,
): Promise<readonly T[]> {
  let building: readonly BuildingServer[] = []
  const answers = await cells.gather(async ({ store, cell }) => {
    if (cell !== undefined) return [await count(store, { except: building.map(({ id }) => id) })]
    building = await store.instances.building(projectId)
    return [ofBuilding(building), await count(store, { isWithoutBuilding: true })]
  })
  return answers.flatMap(answer => (answer.ok ? answer.value : []))
}

/** What is used in all cells that can be asked. */
export async function usageOf(deps: ApiDeps, projectId: string, userId?: string): Promise<Usage> {
  const cells = await severalCells(deps)
  if (cells === undefined) return deps.store.instances.usage(projectId, userId)
  const found = await partsOf(
    cells,
    projectId,
    (store, part) => store.instances.usage(projectId, userId, part),
    servers => usageOfBuilding(userId === undefined ? servers : servers.filter(one => one.userId === userId)),
  )
  return found.reduce(add, noUsage)
}

async function countedIn(deps: ApiDeps, cells: ApiCells, { projectId, userId }: Owner): Promise<Counted> {
  if (deps.quotas.kind !== 'unified') {
    const project = await usageOf(deps, projectId)
    return { project, user: await usageOf(deps, projectId, userId), classes: noClasses }
  }
  const found = await partsOf(
    cells,
    projectId,
    (store, part) => usedClasses(store, projectId, part),
    servers => classesOf(servers.map(one => ({ ...one, count: 1 }))),
  )
  return { project: noUsage, user: noUsage, classes: found.reduce(addClasses, noClasses) }
}

/**
 * For what will use more of a quota. In one cell that is decided in the transaction that writes it, and nothing is counted
 * here. In several, whoever uses more holds the project's turn meanwhile: then what is counted at its beginning can only
 * become less, and the transaction goes by that. A cell that is away is left out, as in Nova.
 */
export async function inUsageTurn<T>(
  deps: ApiDeps,
  owner: Owner,
  work: (counted: Counted | undefined) => Promise<T>,
): Promise<T> {
  const cells = deps.quotas.kind === 'noop' ? undefined : await severalCells(deps)
  if (cells === undefined) return work(undefined)
  return deps.store.hold([turnOf.usage(owner.projectId)], async () => work(await countedIn(deps, cells, owner)))
}
