/** `npm run test:chaos`: the kill matrix for as long as one likes. Options: tools/chaos/options.mjs. */
import { parseChaosOptions } from '../../tools/chaos/options.mjs'
import type { Arena } from './arena.ts'
import { cellsArena } from './cells.ts'
import { Dice } from './dice.ts'
import { distributedArena, enginesArena } from './distributed.ts'
import { oneProcessArena } from './one-process.ts'
import { realGuestsArena } from './real-guests.ts'
import { runChaos } from './run.ts'

const options = parseChaosOptions(process.argv.slice(2))
const say = (line: string) => process.stdout.write(`${line}\n`)

const where = (what: string) => (what === 'real-guests' ? '--hypervisor libvirt' : `--topology ${what}`)

async function runIn(what: string, open: () => Promise<Arena>): Promise<boolean> {
  const arena = await open()
  try {
    say(`${what}: seed ${options.seed}, ${options.operations} operations, logs in ${arena.folder}`)
    const { complaints, course } = await runChaos(arena, options)
    for (const line of [...course.tally.lines(), course.summary()]) say(`  ${line}`)
    for (const complaint of complaints) say(`  WRONG ${complaint}`)
    if (complaints.length > 0)
      say(
        `  again with: npm run test:chaos -- ${where(what)} --seed ${options.seed} --operations ${options.operations}`,
      )
    // For whoever wants to look into a cloud that is stuck, as it is.
    if (complaints.length > 0 && process.env['CHAOS_HOLD'] !== undefined)
      await new Promise(() => setInterval(() => 0, 1e6))
    return complaints.length === 0
  } finally {
    await arena.close(options.isKept)
  }
}

const topologies = {
  distributed: () => distributedArena(options.hosts),
  engines: () => enginesArena(options.hosts),
  cells: () => cellsArena(options.hosts),
  'real-guests': () => realGuestsArena(options.offset, new Dice(options.seed)),
  'one-process': () => oneProcessArena(options.hosts, options.offset),
}
let isRight = true
for (const topology of options.topologies) isRight = (await runIn(topology, topologies[topology])) && isRight
process.exit(isRight ? 0 : 1)
