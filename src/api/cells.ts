import type { Cell } from '#store'
import type { ApiDeps } from './deps.ts'

/** What one cell answered, with what handlers have of it. */
export type ApiAnswer<T> =
  | { readonly ok: true; readonly cell?: Cell; readonly deps: ApiDeps; readonly value: T }
  | { readonly ok: false; readonly cell: Cell; readonly error: unknown }

/**
 * The cells as handlers see them: `ApiDeps` once per cell, with that cell's rows, conductors and hosts. The API's own tables
 * (flavors, key pairs, quotas, aggregates, server groups) are the same in all of them.
 *
 * An operation under `/servers/{id}` is given those of the server's cell before it begins. All others are given those of
 * the API's own database, where servers are that are in no cell yet; what is about hosts or many servers asks here.
 */
export interface ApiCells {
  /** Everything is in one database: nobody need gather anything. */
  isOnly(): Promise<boolean>
  ofServer(instanceId: string): Promise<ApiDeps>
  /** Undefined for a host that is in no cell. */
  ofHost(host: string): Promise<ApiDeps | undefined>
  /** Of all cells, disabled ones too; a cell that is away answers with why. */
  gather<T>(work: (deps: ApiDeps) => Promise<T>): Promise<readonly ApiAnswer<T>[]>
}

const only = (deps: ApiDeps): ApiCells => ({
  isOnly: async () => true,
  ofServer: async () => deps,
  ofHost: async () => deps,
  gather: async work => [{ deps, ok: true, value: await work(deps) }],
})

/** Those of the cloud, or the one there is. */
export const cellsOf = (deps: ApiDeps): ApiCells => deps.cells ?? only(deps)

/** What the cells that can be reached answered; an only cell's error is the caller's. */
export async function gathered<T>(deps: ApiDeps, work: (deps: ApiDeps) => Promise<T>): Promise<readonly T[]> {
  if (deps.cells === undefined || (await deps.cells.isOnly())) return [await work(deps)]
  const answers = await deps.cells.gather(work)
  return answers.flatMap(answer => (answer.ok ? [answer.value] : []))
}

/** The first cell that has it. */
export async function firstOf<T>(
  deps: ApiDeps,
  work: (deps: ApiDeps) => Promise<T | undefined>,
): Promise<{ readonly deps: ApiDeps; readonly value: T } | undefined> {
  const found = await gathered(deps, async own => {
    const value = await work(own)
    return value === undefined ? undefined : { deps: own, value }
  })
  return found.find(one => one !== undefined)
}
