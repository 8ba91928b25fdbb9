import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Arena } from '../chaos/arena.ts'
import { Dice } from '../chaos/dice.ts'
import { realGuestsArena } from '../chaos/real-guests.ts'
import { runChaos } from '../chaos/run.ts'
import { offsetOf } from '../offsets.ts'

/** The kill matrix of test/chaos on real guests: killed are the control plane, libvirtd and guests themselves. */

const seed = Number(process.env['CHAOS_SEED'] ?? 20_261_128)
const operations = 30
let arena: Arena | undefined
let isRight = false
after(() => arena?.close(!isRight))

test(`${operations} operations on real guests under kill -9`, async t => {
  arena = await realGuestsArena(offsetOf('guests/kill-matrix'), new Dice(seed))
  const { complaints, course } = await runChaos(arena, { seed, operations, workers: 3 })
  t.diagnostic(`seed ${seed}: ${course.summary()}`)
  for (const line of course.tally.lines()) t.diagnostic(line)
  assert.ok(course.tally.kills >= 3, `only ${course.tally.kills} kills`)
  assert.ok(course.tally.total('done') >= operations / 3, 'many operations should be done')
  assert.deepEqual(complaints, [], `seed ${seed}; logs are kept in ${arena.folder}.kept`)
  isRight = true
})
