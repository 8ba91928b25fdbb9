import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { offsetOf } from '../offsets.ts'
import type { Arena } from './arena.ts'
import { distributedArena } from './distributed.ts'
import { oneProcessArena } from './one-process.ts'
import { runChaos } from './run.ts'

/**
 * The kill matrix: users do everything that a server can be asked for while the parts of the cloud are killed at random
 * moments. Afterwards nothing may be left over, lost or undecided. `npm run test:chaos` runs it for as long as one likes.
 */

const seed = Number(process.env['CHAOS_SEED'] ?? 20_261_128)
const arenas: Arena[] = []
after(() => Promise.all(arenas.map(arena => arena.close())))

const matrix = [
  { what: 'services as processes of their own', open: () => distributedArena(3), operations: 100 },
  { what: 'everything in one process', open: () => oneProcessArena(3, offsetOf('chaos')), operations: 50 },
]

for (const { what, open, operations } of matrix) {
  test(`${what}: ${operations} operations under kill -9`, async t => {
    const arena = await open()
    arenas.push(arena)
    const { complaints, course } = await runChaos(arena, { seed, operations })
    t.diagnostic(`seed ${seed}: ${course.summary()}`)
    for (const line of course.tally.lines()) t.diagnostic(line)
    assert.ok(course.tally.kills >= operations / 15, `only ${course.tally.kills} kills`)
    assert.ok(course.tally.total('done') >= operations / 2, 'most operations should be done')
    assert.deepEqual(complaints, [], `seed ${seed}, logs in ${arena.folder}`)
  })
}
