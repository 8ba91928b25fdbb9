import type { Bus, RemoteBus } from '#bus'
import { type Cell, CellDirectory } from '#store'
import { busAt } from './bus.ts'
import { openCellDatabase } from './database.ts'
import type { WithStore } from './shared.ts'

/** The cells of a cloud with the bus of each. */
export interface Cells {
  readonly directory: CellDirectory
  busOf(cell: Cell): Bus
  close(): Promise<void>
}

/** Cells as the API's database has them; where none are written down, the one of `shared`. Nothing is opened yet. */
export function openCells({ config, store, bus, clock, log }: WithStore): Cells {
  const databaseUrl = config.database.connection ?? ''
  const transportUrl = config.DEFAULT.transport_url
  const open = (url: string) => openCellDatabase(config, url, log)
  const directory = new CellDirectory({ own: store, databaseUrl, transportUrl, open, clock, log })
  const buses = new Map<string, RemoteBus>()
  return {
    directory,
    busOf(cell) {
      const { transportUrl: url } = cell
      if (url === transportUrl) return bus
      const known = buses.get(url)
      if (known !== undefined) return known
      const opened = busAt(url, { config, log })
      buses.set(url, opened)
      return opened
    },
    async close() {
      await directory.close()
      for (const opened of buses.values()) await opened.close()
    },
  }
}
