import type { Core } from './core.ts'
import { furnish, remove } from './shares.ts'

/** Finishes what a process that was killed had begun: folders are made and removed as often as it takes. */
export function recover(core: Core): void {
  for (const row of core.state.table('share_shares').all()) {
    if (row.status === 'creating') furnish(core, row)
    if (row.status === 'deleting') remove(core, row)
  }
}
