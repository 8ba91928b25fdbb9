/**
 * `npm run bench`: speed and size of this cloud as a table; tools/bench/options.mjs has the words it understands. Every
 * measurement has a state folder of its own, which goes away with all that runs on it, also after Ctrl-C.
 */
import { measureBoots } from './bench/boots.ts'
import { measureScheduler } from './bench/decisions.ts'
import { measureDistributed } from './bench/distributed.ts'
import { withFakeCloud } from './bench/fake-cloud.ts'
import type { Row } from './bench/figures.ts'
import { measureLists } from './bench/lists.ts'
import { describeMachine } from './bench/machine.ts'
import { hostCount, measureAmongManyHosts } from './bench/many-hosts.ts'
import { measureMoves } from './bench/moves.ts'
import { parseBenchOptions } from './bench/options.mjs'
import { measureReads } from './bench/reads.ts'
import { measureRealGuests } from './bench/real-guests.ts'
import { measureStarts } from './bench/starts.ts'
import { measureStatements } from './bench/statements.ts'
import { table } from './bench/table.ts'
import { Undo } from './bench/undo.ts'
import { measureWholeDecisions } from './bench/whole-decisions.ts'

const options = parseBenchOptions(process.argv.slice(2))
const { isQuick, offset, parent } = options
const undo = new Undo()
const common = { undo, offset, parent }

const measurements: Readonly<Record<string, () => Promise<Row[]> | Row[]>> = {
  boots: async () => [
    ...(await withFakeCloud(common, ({ servers, plane }) => measureBoots(servers, plane.pid, isQuick))),
    ...(await measureStatements(common)),
  ],
  reads: () => withFakeCloud(common, cloud => measureReads(cloud, isQuick)),
  // Room for 10,000 servers of one VCPU and some more: a host has 64 and promises four times as many.
  lists: () => withFakeCloud({ ...common, hosts: 48 }, cloud => measureLists(cloud, isQuick)),
  start: () => measureStarts(common, isQuick),
  scheduler: async () => [
    ...measureScheduler(isQuick),
    ...(await measureWholeDecisions(common, isQuick)),
    ...(await withFakeCloud({ ...common, hosts: hostCount }, cloud => measureAmongManyHosts(cloud, isQuick))),
  ],
  distributed: () => measureDistributed({ undo, parent }, isQuick),
  moves: () => measureMoves({ undo, offset, rounds: options.rounds }),
  libvirt: () => measureRealGuests({ ...common, rounds: options.rounds }),
}

const stopCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
let stopping: Promise<void> | undefined
for (const [signal, code] of Object.entries(stopCodes)) {
  process.on(signal, () => {
    process.stderr.write('\ncleaning up ...\n')
    stopping ??= undo.run().then(() => process.exit(code))
  })
}

const machine = describeMachine()
const rows: Row[] = []
let code = 0
try {
  for (const group of options.groups) {
    process.stderr.write(`measuring ${group} ...\n`)
    rows.push(...((await measurements[group]?.()) ?? []))
  }
} catch (error) {
  // After Ctrl-C everything breaks; that is no news.
  if (stopping !== undefined) await stopping
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  code = 1
}
process.stdout.write(options.isJson ? `${JSON.stringify({ machine, rows }, undefined, 2)}\n` : table(machine, rows))
await undo.run()
process.exit(code)
