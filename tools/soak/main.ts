/** `npm run test:soak`; tools/soak/options.mjs has the words it understands. */
import { setTimeout as pause } from 'node:timers/promises'
import { Closers, waitFor } from '#base'
import { CloudUser } from '../../test/bin/cloud-user.ts'
import { startEngines } from '../../test/bin/engines.ts'
import { startCloud } from '../../test/bin/processes.ts'
import { residentMiBOf } from '../bench/process-figures.ts'
import { growthOf } from './growth.ts'
import { parseSoakOptions } from './options.mjs'

const { minutes, workers } = parseSoakOptions(process.argv.slice(2))
const services = ['nova-api-os-compute', 'nova-scheduler', 'nova-conductor', 'nova-compute'] as const
const sampleMs = 2000
const patience = { deadlineMs: 120_000, everyMs: 50 }

/** Each is asked of an ACTIVE server, and waited for until the server is ACTIVE again. */
const changes: readonly (readonly Readonly<Record<string, unknown>>[])[] = [
  [],
  [{ 'os-stop': null }, { 'os-start': null }],
  [{ reboot: { type: 'HARD' } }],
  [{ pause: null }, { unpause: null }],
  [{ suspend: null }, { resume: null }],
]

const closers = new Closers()
const stopped = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopped.abort())
const isTerminal = process.stderr.isTTY
const say = (line: string) => process.stdout.write(`${line}\n`)

async function settled(user: CloudUser, id: string): Promise<void> {
  await waitFor(
    `server ${id}`,
    async () => {
      const { server } = await user.server(id)
      if (server.status === 'ERROR') throw new Error(`server ${id} went to ERROR: ${server.fault?.message}`)
      return server['OS-EXT-STS:task_state'] === null && server.status !== 'BUILD' ? true : undefined
    },
    patience,
  )
}

let rounds = 0
/** One life of a server after the other. */
async function live(user: CloudUser, worker: number, isOver: () => boolean): Promise<void> {
  for (let n = worker; !isOver(); n++) {
    const id = await user.create(`soak-${worker}-${n}`)
    await settled(user, id)
    for (const change of changes[n % changes.length] ?? []) {
      await user.act(id, change)
      await settled(user, id)
    }
    await user.call('DELETE', `/servers/${id}`)
    await waitFor(`server ${id} to go`, async () => ((await user.exists(id)) ? undefined : true), patience)
    rounds++
  }
}

async function soak(): Promise<boolean> {
  const engines = await startEngines()
  closers.add(() => engines.close())
  const cloud = await startCloud(services, '', { url: engines.broker.url() }, engines.databaseUrl)
  closers.add(() => cloud.close())
  const user = new CloudUser(cloud)
  await user.furnish()
  const endsAtMs = performance.now() + minutes * 60_000
  const isOver = () => stopped.signal.aborted || performance.now() >= endsAtMs
  const courses = new Map(services.map(name => [name, [] as number[]]))
  const samples = async () => {
    while (!isOver()) {
      for (const [name, course] of courses) course.push(residentMiBOf(cloud.service[name].pid))
      const leftMin = Math.ceil((endsAtMs - performance.now()) / 60_000)
      if (isTerminal) process.stderr.write(`\r\x1b[2K${rounds} servers lived, ${leftMin} min left`)
      await pause(sampleMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
    if (isTerminal) process.stderr.write('\r\x1b[2K')
  }
  await Promise.all([samples(), ...Array.from({ length: workers }, (_, worker) => live(user, worker, isOver))])
  say(`${rounds} servers lived in ${minutes} min`)
  let isRight = true
  for (const [name, course] of courses) {
    const { before, after, isFlat } = growthOf(course)
    say(
      `  ${name}: ${before.toFixed(0)} MiB in the second third, ${after.toFixed(0)} MiB in the last${isFlat ? '' : '  GROWS'}`,
    )
    isRight = isRight && isFlat
  }
  await user.all(0)
  await user.assertNothingLeftOver()
  say('nothing is left over')
  return isRight
}

let isRight = false
try {
  isRight = await soak()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
} finally {
  await closers.close()
}
process.exit(isRight ? 0 : 1)
