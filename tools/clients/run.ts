/**
 * `npm run test:tempest` and `npm run test:clients`: tests of other people, unmodified, each suite against a cloud of its
 * own, compared with the lists in test/clients. tools/clients/options.mjs has the words it understands.
 */
import { Undo } from '../bench/undo.ts'
import { tempest, tempestLibvirt } from '../tempest/suite.ts'
import { count } from './count.ts'
import { compare, readLists, writeLists } from './lists.ts'
import { novaclient } from './novaclient.ts'
import { openstackclient } from './openstackclient.ts'
import { openstacksdk, openstacksdkCloud } from './openstacksdk.ts'
import { parseSuiteOptions } from './options.mjs'
import { runSuite, type SuiteRun } from './run-suite.ts'

const suites = [tempest, tempestLibvirt, novaclient, openstackclient, openstacksdk, openstacksdkCloud]
const [command = '', ...argv] = process.argv.slice(2)
const options = parseSuiteOptions(command, argv)
const undo = new Undo()

const stopCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
let stopping: Promise<void> | undefined
for (const [signal, code] of Object.entries(stopCodes)) {
  process.on(signal, () => {
    process.stderr.write('\ncleaning up ...\n')
    stopping ??= undo.run().then(() => process.exit(code))
  })
}

const judge = (run: SuiteRun) => ({
  suite: run.suite,
  seconds: Math.round(run.seconds),
  ...count(run.outcomes),
  ...compare(readLists(run.suite), run.outcomes),
})
type Judgement = ReturnType<typeof judge>

function inWords({ suite, seconds, passed, failed, skipped, broken, mended }: Judgement): string {
  const lines = [`${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`]
  for (const { test, verdict, reason } of broken)
    lines.push(`  ${verdict}, should pass: ${test}${reason === '' ? '' : ` (${reason})`}`)
  for (const { test } of mended) lines.push(`  passes now, was listed otherwise (--accept): ${test}`)
  return `${lines.join('\n')}\n`
}

const judgements: Judgement[] = []
let code = 0
try {
  for (const suite of suites.filter(s => options.suites.includes(s.name))) {
    const run = await runSuite(suite, options, undo)
    judgements.push(judge(run))
    if (options.isAccepted) writeLists(run.suite, run.outcomes)
    if (options.isKept) process.stderr.write(`logs: ${run.folder}\n`)
  }
  code = judgements.some(j => j.broken.length > 0) && !options.isAccepted ? 1 : 0
} catch (error) {
  // After Ctrl-C everything breaks; that is no news.
  if (stopping !== undefined) await stopping
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  code = 1
}
process.stdout.write(
  options.isJson ? `${JSON.stringify(judgements, undefined, 2)}\n` : judgements.map(inWords).join(''),
)
await undo.run()
process.exit(code)
