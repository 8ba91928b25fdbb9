import type { Store } from '#store'
import { text } from '../kit/arguments.ts'
import { type CommandContext, command } from '../kit/command.ts'
import { table } from '../kit/table.ts'
import type { ManageWorld } from '../manage-world.ts'

interface Progress {
  /** Rows that were looked at, of those that are left. */
  readonly found: number
  readonly done: number
}

interface OnlineMigration {
  readonly name: string
  /** Brings at most so many rows into today's form, while the services run. */
  run(world: ManageWorld, limit: number): Promise<Progress>
}

/** Rows at a time when all are brought over. */
const batch = 50

async function cellOf(world: ManageWorld, id: string): Promise<Store | undefined> {
  const store = await (await (await world.cells()).ofServer(id)).store()
  return (await store.instances.find(id, { withDeleted: true })) === undefined ? undefined : store
}

/** Until there were cells, request specs were in the API's database; what a server was asked with is where the server is. */
const requestSpecs: OnlineMigration = {
  name: 'move_request_specs_to_cells',
  async run(world, limit) {
    const { apiDatabaseUrl } = world
    // Where a cell is in it too, the table is the cell's.
    if (apiDatabaseUrl === null || (await world.schemaVersion('cell', apiDatabaseUrl)) !== undefined)
      return { found: 0, done: 0 }
    const { oldRequestSpecs } = await world.apiStore()
    const ids = await oldRequestSpecs.ids(limit)
    for (const id of ids) {
      const store = await cellOf(world, id)
      // One without its server is nobody's.
      if (store === undefined || (await store.requestSpecs.find(id)) !== undefined) continue
      const spec = await oldRequestSpecs.find(id)
      if (spec !== undefined) await store.requestSpecs.save(id, spec)
    }
    return { found: ids.length, done: await oldRequestSpecs.remove(ids) }
  },
}

const migrations: readonly OnlineMigration[] = [requestSpecs]

async function runBatch({ world, out }: CommandContext, limit: number) {
  const progress = new Map<string, Progress>()
  let hasFailed = false
  let left = limit
  for (const { name, run } of migrations) {
    let made: Progress = { found: 0, done: 0 }
    try {
      made = await run(world, left)
    } catch (error) {
      out.say(`Error attempting to run ${name}: ${(error as Error).message}`)
      hasFailed = true
    }
    progress.set(name, made)
    const { found, done } = made
    if (found > 0) out.say(`${found} rows matched query ${name}, ${done} migrated`)
    left -= done
    if (left <= 0) break
  }
  return { progress, hasFailed, done: limit - left }
}

/** Exit 0: nothing is left; 1: with --max-count, there was something; 2: some cannot be migrated; 127: not a count. */
export const onlineDataMigrations = command({
  name: 'online_data_migrations',
  help: 'Bring rows of earlier releases into the form of this one, while the services run.',
  arguments: { '--max-count': text('<number>', 'Maximum number of objects to consider; without it all') },
  async run({ '--max-count': count }, context) {
    const { out } = context
    const limit = count === undefined ? batch : Number(count)
    if (!Number.isSafeInteger(limit) || limit < 1)
      return { exitCode: 127, text: 'Must supply a positive value for max_number' }
    if (count === undefined) out.say(`Running batches of ${batch} until complete`)
    const totals = new Map<string, Progress>()
    let hasFailed = false
    let done = 0
    do {
      const round = await runBatch(context, limit)
      ;({ hasFailed, done } = round)
      for (const [name, made] of round.progress) {
        const before = totals.get(name) ?? { found: 0, done: 0 }
        totals.set(name, { found: before.found + made.found, done: before.done + made.done })
      }
    } while (count === undefined && done > 0 && !out.isInterrupted())
    const rows = [...totals].map(([name, made]) => ({
      migration: name,
      total_needed: made.found,
      completed: made.done,
    }))
    out.say(table(['Migration', 'Total Needed', 'Completed'], rows.map(Object.values)))
    if (hasFailed && (count === undefined || done === 0)) {
      out.say('Some migrations failed unexpectedly. Check log for details.')
      return { exitCode: 2, value: rows }
    }
    return { exitCode: done > 0 ? 1 : 0, value: rows }
  },
})
