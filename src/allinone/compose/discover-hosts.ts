import { every, Fault } from '#base'
import { discoverHosts } from '#store'
import type { Cells } from './cells.ts'
import { secondsOf, type WithStore } from './shared.ts'

/**
 * `[scheduler] discover_hosts_in_cells_interval`: new hosts get their cell without `nova-manage cell_v2 discover_hosts`.
 * Returns what ends it. Several schedulers may do so at a time.
 */
export function discoverHostsAtTimes({ config, store, clock, log }: WithStore, cells: Cells): () => void {
  const seconds = config.scheduler.discover_hosts_in_cells_interval
  if (seconds <= 0) return () => undefined
  const look = async () => {
    const search = { byService: false, nowMs: clock.now() }
    for (const { cell, added, error } of await discoverHosts({ own: store, directory: cells.directory }, search)) {
      for (const { host } of added) log.info({ host, cell: cell.uuid, cell_name: cell.name }, 'a new host is in a cell')
      if (error !== undefined) {
        const reason = error instanceof Fault ? error.message : error
        log.warn({ cell: cell.uuid, cell_name: cell.name, err: reason }, 'a cell could not be searched for new hosts')
      }
    }
  }
  return every(clock, secondsOf(seconds), look, error => log.error({ err: error }, 'looking for new hosts failed'))
}
