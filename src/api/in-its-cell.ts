import { InstanceNotFound } from '#model'
import { isOutage } from '#store/engine'
import { cellNotResponding, severalCells } from './cells.ts'
import type { ApiDeps } from './deps.ts'
import type { Endpoint } from './kit/index.ts'

/** Where `id`, or `server_id`, is a server's. */
const serverPaths = ['/servers/{', '/os-volumes_boot/{'] as const

type Work = (deps: ApiDeps) => Promise<unknown>

/** What can be answered of a server whose cell is away: `deps.away` says that it is. */
const copesAlone = ({ method, path }: Endpoint<never>): boolean =>
  method === 'GET' && serverPaths.some(prefix => path === `${prefix}id}`)

async function workIn(endpoint: Endpoint<never>, own: ApiDeps, work: Work): Promise<unknown> {
  const { cell, away } = own
  if (away !== undefined && !copesAlone(endpoint)) throw cellNotResponding(away)
  try {
    return await work(own)
  } catch (error) {
    if (cell === undefined || away !== undefined || !isOutage(error)) throw error
    if (copesAlone(endpoint)) return work({ ...own, away: cell })
    throw cellNotResponding(cell, error)
  }
}

/**
 * What is asked of one server is done with what its cell has. A server that is not where it was looked for may have gone to
 * its cell meanwhile: it is looked for once more.
 */
export const inItsCell =
  (deps: ApiDeps) =>
  async (
    endpoint: Endpoint<never>,
    { id, server_id = id }: Readonly<Record<string, string>>,
    work: Work,
  ): Promise<unknown> => {
    if (server_id === undefined || !serverPaths.some(path => endpoint.path.startsWith(path))) return work(deps)
    const cells = await severalCells(deps)
    if (cells === undefined) return work(deps)
    const first = await cells.ofServer(server_id)
    try {
      const found = await workIn(endpoint, first, work)
      if (first.cell !== undefined || endpoint.method !== 'GET') return found
      // It may have gone while it was read, and what was read of it be half of what there is.
      const now = await cells.lookAgain(server_id, first)
      return now === undefined ? found : await workIn(endpoint, now, work)
    } catch (error) {
      if (!InstanceNotFound.is(error)) throw error
      const now = await cells.lookAgain(server_id, first)
      if (now === undefined) throw error
      return workIn(endpoint, now, work)
    }
  }
