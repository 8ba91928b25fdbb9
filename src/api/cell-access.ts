import type { Cell, CellDirectory, Store } from '#store'
import { type ApiAnswer, type ApiCells, cellNotResponding } from './cells.ts'
import type { ApiDeps } from './deps.ts'

/** The dependencies of handlers once per cell: `inCell` says what differs from home's, which get `cells` themselves. */
export function withCells(
  home: ApiDeps,
  directory: CellDirectory,
  inCell: (cell: Cell, store: Store) => Partial<ApiDeps>,
): ApiDeps {
  const made = new WeakMap<Store, ApiDeps>()
  const depsIn = (cell: Cell, store: Store): ApiDeps => {
    if (cell.isHome) return deps
    const known = made.get(store)
    if (known !== undefined) return known
    const own = { ...deps, ...inCell(cell, store), cell }
    made.set(store, own)
    return own
  }
  const inReach = async (cell: Cell): Promise<ApiDeps> => {
    if (cell.isHome) return deps
    const [answer] = await directory.gather(async store => store, [cell])
    return answer?.ok === true ? depsIn(cell, answer.value) : { ...deps, cell, away: cell }
  }
  const ask = async <T>(work: (deps: ApiDeps) => Promise<T>, among: readonly Cell[]): Promise<ApiAnswer<T>[]> => {
    const answers = await directory.gather(async (store, cell) => {
      const own = depsIn(cell, store)
      return { deps: own, value: await work(own) }
    }, among)
    return answers.map(answer => (answer.ok ? { ok: true, ...answer.value } : answer))
  }
  const cells: ApiCells = {
    isOnly: () => directory.isOnly(),
    list: () => directory.list(),
    ofServer: async id => inReach(await directory.ofServer(id)),
    async ofServers(ids) {
      const mappings = await home.store.instanceMappings.ofMany(ids)
      const cellOf = new Map(mappings.map(({ instanceId, cellUuid }) => [instanceId, cellUuid]))
      const groups = Map.groupBy(ids, id => cellOf.get(id))
      const found: { deps: ApiDeps; ids: readonly string[] }[] = []
      for (const [uuid, own] of groups) {
        const cell = uuid === undefined ? undefined : await directory.find(uuid)
        found.push({ deps: cell === undefined ? deps : await inReach(cell), ids: own })
      }
      return found
    },
    async lookAgain(id, last) {
      const cell = await directory.ofServer(id)
      const before = last.cell ?? (await directory.home())
      return cell.uuid === before.uuid ? undefined : inReach(cell)
    },
    async ofHost(host) {
      const cell = await directory.ofHost(host)
      if (cell === undefined) return undefined
      const own = await inReach(cell)
      if (own.away !== undefined) throw cellNotResponding(cell)
      return own
    },
    async gather(work, among = () => true) {
      const all = (await directory.list()).filter(among)
      const home = all.filter(cell => cell.isHome)
      const first = await ask(work, home)
      return [
        ...first,
        ...(await ask(
          work,
          all.filter(cell => !cell.isHome),
        )),
      ]
    },
  }
  const deps: ApiDeps = { ...home, cells }
  return deps
}
