/** nova-compute-guard kills guests when nova-compute cannot: seen with processes that look like QEMU, in a namespace of their own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, silentLog, waitFor } from '#base'
import { bootTimeMs } from '../../src/compute/lease/boot-time.ts'
import { Guard } from '../../src/compute/lease/guard.ts'
import { noLease, writeLease } from '../../src/compute/lease/lease-file.ts'
import { processes } from './processes.ts'

const root = mkdtempSync(join(tmpdir(), 'nova-guard-'))
/** Where the daemon of a host with a namespace of its own would listen. */
const socket = join(root, 'run/libvirt-sock')
const file = join(root, 'lease.json')
const qemu = join(root, 'qemu-system-x86_64')
const program = join(import.meta.dirname, '../../src/bin/nova-compute-guard.ts')
const args = ['--lease', file, '--libvirt', socket]
const long = { deadlineMs: 120_000 }

/** It dies with this process, and all in its namespace with it. */
function owned(...line: string[]) {
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...line], { stdio: 'ignore' })
}

const namespace = owned('unshare', '--pid', '--fork', '--kill-child', 'sleep', '100000')
let init = 0
before(async () => {
  symlinkSync(process.execPath, qemu)
  init = await waitFor(
    'the namespace',
    () => Number(readFileSync(`/proc/${namespace.pid}/task/${namespace.pid}/children`, 'utf8').trim()) || undefined,
    long,
  )
  writeFileSync(join(root, 'init.pid'), String(init))
})
after(() => {
  namespace.kill('SIGKILL')
  for (const one of processesOf.values()) one.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

const processesOf = new Map<string, ReturnType<typeof owned>>()
function started(id: string): ReturnType<typeof owned> {
  const child = processesOf.get(id)
  assert.ok(child !== undefined)
  return child
}

/** Starts something whose command line is a QEMU's, with these words beside the id. */
function guest(words: (id: string) => readonly string[], isInside = true): string {
  const id = newUuid()
  const line = [qemu, '-e', 'setInterval(() => {}, 1e6)', '--', '-uuid', id, ...words(id)]
  const child = isInside ? owned('nsenter', '--pid', '--target', String(init), ...line) : owned(...line)
  processesOf.set(id, child)
  return id
}
const isOn = (id: string) =>
  processes().some(({ commandLine }) => commandLine.startsWith(`${qemu}\0`) && commandLine.includes(id))
const become = (ids: readonly string[], wanted: boolean) =>
  waitFor(`guests to be ${wanted ? 'on' : 'off'}`, () => ids.every(id => isOn(id) === wanted) || undefined, long)
const byMaker = () => guest(() => ['-smbios', 'type=1,product=OpenStack Nova'])

const isAlive = (pid: number) => processes().some(process => process.pid === pid)
const watching = (guard: Guard) => waitFor('the guard', async () => (await guard.watching()) ?? undefined, long)
const ends = (pid: number) => waitFor('the guard to end', () => !isAlive(pid) || undefined, long)

test('when the lease is over all guests of Nova’s on this host are killed, and nobody else’s', async () => {
  const guard = new Guard({ program, args, log: silentLog })
  await writeLease(file, { untilMs: bootTimeMs() + 3_600_000, guardPid: null })
  const pid = await watching(guard)
  assert.equal(await watching(guard), pid, 'one is enough')
  const ours = [byMaker(), guest(id => ['-blockdev', `{"filename":"/instances/${id}/disk"}`])]
  const foreign = [guest(() => []), guest(() => ['-smbios', 'type=1,product=OpenStack Nova'], false)]
  await become([...ours, ...foreign], true)
  await writeLease(file, { untilMs: bootTimeMs(), guardPid: pid })
  await become(ours, false)
  assert.deepEqual(foreign.map(isOn), [true, true])
  // One that begins after that ends as well.
  await once(started(byMaker()), 'exit')
  await writeLease(file, { untilMs: bootTimeMs() + 3_600_000, guardPid: pid })
  process.kill(pid, 'SIGKILL')
  await ends(pid)
  const next = await watching(guard)
  assert.notEqual(next, pid)
  await writeLease(file, { ...noLease, guardPid: null })
  process.kill(next, 'SIGKILL')
})

/** A nova-compute that starts a guard and is killed; the guard's pid. */
async function orphan(): Promise<number> {
  const guardFile = join(import.meta.dirname, '../../src/compute/lease/guard.ts')
  const script = `
    import { pino } from 'pino'
    const { Guard } = await import(${JSON.stringify(guardFile)})
    const guard = new Guard({ program: ${JSON.stringify(program)}, args: ${JSON.stringify(args)}, log: pino({ level: 'silent' }) })
    for (let pid; pid === undefined; ) {
      pid = await guard.watching()
      if (pid !== undefined) console.log(pid)
    }
    setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGKILL')
  await once(child, 'exit')
  return Number(line.toString())
}

test('a guard goes on without its nova-compute, until another guard is there', async () => {
  await writeLease(file, { untilMs: bootTimeMs() + 3_600_000, guardPid: null })
  const first = await orphan()
  const ours = [byMaker()]
  await become(ours, true)
  await writeLease(file, { untilMs: bootTimeMs(), guardPid: first })
  await become(ours, false)
  assert.ok(isAlive(first))
  const guard = new Guard({ program, args, log: silentLog })
  const second = await watching(guard)
  await writeLease(file, { untilMs: bootTimeMs() + 3_600_000, guardPid: second })
  await ends(first)
  assert.ok(isAlive(second))
  process.kill(second, 'SIGKILL')
})

test('a guard without a nova-compute and without a lease ends', async () => {
  await writeLease(file, noLease)
  await ends(await orphan())
})
