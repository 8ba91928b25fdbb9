import type { RowCounts, Store } from '#store'
import { BadValue, flag, integer, text } from '../kit/arguments.ts'
import { type CommandContext, command } from '../kit/command.ts'
import { readDate } from '../kit/date.ts'
import { table } from '../kit/table.ts'
import { Tally, totalOf } from './counts.ts'
import { purgeAll } from './purge.ts'
import { hasApi, type Target, targets } from './targets.ts'

/** Servers whose rows are one transaction. */
const serversAtOnce = 20
/** Rows of the usage audit's log that are one transaction. */
const runsAtOnce = 500
/** What a signed integer of a database holds; Nova's bound. */
const mostRows = 2_147_483_647

interface Wanted {
  readonly beforeMs: number | undefined
  readonly withTaskLog: boolean
}

/** Names as in Nova: the API's tables are another database's. */
async function archiveServers(store: Store, ids: readonly string[]): Promise<RowCounts> {
  return store.transaction(async tx => {
    // First what is the API's: where it is on another server it stays written, and the next run does the rest.
    let mappings = 0
    for (const id of ids) {
      await tx.serverGroups.removeMember(id)
      if (await tx.instanceMappings.remove(id)) mappings++
    }
    return { ...(await tx.archive.servers(ids)), 'API_DB.instance_mappings': mappings }
  })
}

/** The rows of one table are not split, nor are a server's: it may become some more than `limit`. */
async function archiveSome(store: Store, limit: number, wanted: Wanted): Promise<RowCounts> {
  const { beforeMs, withTaskLog } = wanted
  const ids = await store.archive.deletedServers(Math.min(serversAtOnce, limit), beforeMs)
  if (ids.length > 0) return archiveServers(store, ids)
  if (!withTaskLog) return {}
  return store.transaction(tx => tx.archive.taskLog(Math.min(runsAtOnce, limit), beforeMs))
}

/** At most so many rows of a cell. How many they were. */
async function archiveCell({ store, prefix }: Target, limit: number, wanted: Wanted, tally: Tally): Promise<number> {
  let archived = 0
  while (archived < limit) {
    const counts = await archiveSome(store, limit - archived, wanted)
    const { 'API_DB.instance_mappings': mappings = 0, ...rows } = counts
    const moved = totalOf(rows)
    tally.add(rows, prefix)
    tally.add({ 'API_DB.instance_mappings': mappings })
    if (moved === 0) break
    archived += moved
  }
  return archived
}

interface Rounds {
  readonly isUntilComplete: boolean
  readonly isVerbose: boolean
  readonly sleepMs: number
}

/** False when it was interrupted. */
async function inRounds(
  target: Target,
  limit: number,
  wanted: Wanted,
  { tally, rounds, out }: { readonly tally: Tally; readonly rounds: Rounds; readonly out: CommandContext['out'] },
): Promise<{ readonly archived: number; readonly isStopped: boolean }> {
  let total = 0
  for (;;) {
    if (out.isInterrupted()) return { archived: total, isStopped: true }
    const archived = await archiveCell(target, limit, wanted, tally)
    total += archived
    if (!rounds.isUntilComplete || archived === 0) return { archived: total, isStopped: false }
    if (rounds.isVerbose) out.tick('.')
    if (rounds.sleepMs > 0) await out.rest(rounds.sleepMs)
  }
}

/** Exit 0: there was nothing; 1: something was archived; 2: wrong --max_rows; 3: no API database; 4: wrong --before. */
export const archiveDeletedRows = command({
  name: 'archive_deleted_rows',
  help: 'Move all that is known of deleted servers out of the way, and remove their mappings to cells.',
  arguments: {
    '--max_rows': integer('<number>', 'Maximum number of deleted rows to archive, without those of the API', 1000),
    '--before': text('<date>', 'Only servers deleted before this time: as `date` prints it, or YYYY-MM-DD [HH:mm:ss]'),
    '--verbose': flag('Print how many rows were archived per table'),
    '--until-complete': flag('Go on until all are archived, with max_rows in each round'),
    '--purge': flag('Purge all that is archived afterwards'),
    '--all-cells': flag('In all cells'),
    '--task-log': flag('Also the runs of the usage audit, all of them: use --before too'),
    '--sleep': integer('<seconds>', 'Seconds between rounds with --until-complete', 0, { low: 0 }),
  },
  async run(given, context) {
    const { out } = context
    const { '--max_rows': maxRows, '--verbose': isVerbose, '--until-complete': isUntilComplete } = given
    const { '--all-cells': allCells, '--before': before } = given
    if (maxRows < 0) return { exitCode: 2, text: 'Must supply a positive value for max_rows' }
    if (maxRows > mostRows) return { exitCode: 2, text: `max rows must be <= ${mostRows}` }
    let beforeMs: number | undefined
    try {
      beforeMs = before === undefined ? undefined : readDate(before)
    } catch (error) {
      if (!(error instanceof BadValue)) throw error
      return { exitCode: 4, text: `Invalid value for --before: ${error.message}` }
    }
    if (!(await hasApi(context, 'Failed to connect to API DB so aborting this archival attempt.'))) return 3
    const wanted = { beforeMs, withTaskLog: given['--task-log'] }
    const rounds = { isUntilComplete, isVerbose, sleepMs: given['--sleep'] * 1000 }
    const tally = new Tally()
    if (isUntilComplete && isVerbose) out.tick('Archiving..')
    let isStopped = false
    let archived = 0
    for await (const target of targets(context, allCells)) {
      const limit = isUntilComplete ? maxRows : maxRows - archived
      if (limit <= 0) break
      const round = await inRounds(target, limit, wanted, { tally, rounds, out })
      archived += round.archived
      isStopped = round.isStopped
      if (isStopped) break
    }
    if (isUntilComplete && isVerbose) out.tick(isStopped ? '.stopped' : '.complete')
    if (isVerbose)
      out.say(
        tally.isEmpty
          ? 'Nothing was archived.'
          : table(['Table', 'Number of Rows Archived'], tally.rows, { align: 'left' }),
      )
    let purged = 0
    if (!tally.isEmpty && given['--purge']) {
      if (isVerbose) out.say('Rows were archived, running purge...')
      purged = await purgeAll(context, { allCells, isVerbose })
    }
    return { exitCode: tally.isEmpty ? 0 : 1, value: { archived: tally.value, purged, stopped: isStopped } }
  },
})
