import { BadValue, flag, text } from '../kit/arguments.ts'
import { type CommandContext, command } from '../kit/command.ts'
import { readDate } from '../kit/date.ts'
import { totalOf } from './counts.ts'
import { hasApi, targets } from './targets.ts'

interface Purge {
  readonly beforeMs?: number | undefined
  readonly allCells: boolean
  readonly isVerbose: boolean
}

/** How many rows are gone. */
export async function purgeAll(context: CommandContext, { beforeMs, allCells, isVerbose }: Purge): Promise<number> {
  let deleted = 0
  for await (const { title, store } of targets(context, allCells)) {
    const counts = await store.archive.purge(beforeMs)
    const by = beforeMs === undefined ? '(n/a)' : 'stamped_at'
    for (const [table, rows] of isVerbose ? Object.entries(counts) : [])
      context.out.say(`${title}: Deleted ${rows} rows from shadow_${table} based on timestamp column ${by}`)
    deleted += totalOf(counts)
  }
  return deleted
}

/** Exit 0: something was deleted; 1: neither --before nor --all; 2: wrong --before; 3: there was nothing; 4: no API database. */
export const purge = command({
  name: 'purge',
  help: 'Delete what archive_deleted_rows has put away.',
  arguments: {
    '--before': text(
      '<before>',
      'Only servers deleted before this time: as `date` prints it, or YYYY-MM-DD [HH:mm:ss]',
    ),
    '--all': flag('All that is archived'),
    '--verbose': flag('Print what is deleted'),
    '--all-cells': flag('In all cells'),
  },
  async run({ '--before': before, '--all': all, '--verbose': isVerbose, '--all-cells': allCells }, context) {
    if (before === undefined && !all) return { exitCode: 1, text: 'Either --before or --all is required' }
    let beforeMs: number | undefined
    try {
      beforeMs = before === undefined ? undefined : readDate(before)
    } catch (error) {
      if (!(error instanceof BadValue)) throw error
      return { exitCode: 2, text: `Invalid value for --before: ${error.message}` }
    }
    if (allCells && !(await hasApi(context, 'Unable to get cell list from API DB. Is it configured?'))) return 4
    const deleted = await purgeAll(context, { beforeMs, allCells, isVerbose })
    return { exitCode: deleted > 0 ? 0 : 3, value: { deleted } }
  },
})
