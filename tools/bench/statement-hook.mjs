/**
 * Loaded into the server by `--import`: counts what goes to SQLite, by statement, and writes the counts to the file
 * named in the environment on each SIGUSR2. Counting costs time, so no time is measured in a run with it.
 */
import { writeFileSync } from 'node:fs'
import { StatementSync } from 'node:sqlite'

const counts = new Map()

for (const name of ['all', 'get', 'run', 'iterate']) {
  const original = StatementSync.prototype[name]
  StatementSync.prototype[name] = function (...values) {
    counts.set(this.sourceSQL, (counts.get(this.sourceSQL) ?? 0) + 1)
    return original.apply(this, values)
  }
}

process.on('SIGUSR2', () => {
  writeFileSync(process.env.NOVA_BENCH_COUNTS, JSON.stringify(Object.fromEntries(counts)))
})
