import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { instanceId, newUuid, silentLog, waitFor } from '#base'
import { power, type VirtDriver } from '#virt'
import { aGuestSpec } from '#virt/conformance'
import { createLibvirtDriver, type LibvirtDaemon, startLibvirt, stopEverything } from '#virt/libvirt'
import { daemonPid } from './libvirt-bench.ts'
import { processes } from './processes.ts'
import { TestImages } from './test-images.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-daemon-'))
const stateDir = join(folder, 'libvirt')
const script = fileURLToPath(new URL('control-plane.ts', import.meta.url))

const start = (): Promise<LibvirtDaemon> => startLibvirt({ stateDir, log: silentLog, systemDaemon: 'ignore' })
const initPid = (): number => Number(readFileSync(join(stateDir, 'init.pid'), 'utf8'))
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const openDriver = (daemon: LibvirtDaemon): Promise<VirtDriver> =>
  createLibvirtDriver({
    socketPath: daemon.socketPath,
    instancesPath: join(folder, 'instances'),
    imageSource: new TestImages(folder),
    virtType: 'qemu',
    log: silentLog,
  })

const spawnControlPlane = (id: string): ChildProcess =>
  spawn(process.execPath, [script, folder, id], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })

/** In a process group of its own, as a shell starts it, so that the group can be interrupted as Ctrl-C does. */
async function controlPlane(id: string): Promise<ChildProcess> {
  const child = spawnControlPlane(id)
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', code => reject(new Error(`the control plane ended with ${code}`)))
  })
  return child
}

async function end(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  process.kill(-(child.pid ?? 0), signal)
  await ended
}

describe('private libvirtd', () => {
  after(async () => {
    await stopEverything(stateDir)
    rmSync(folder, { recursive: true, force: true })
  })

  test('guests outlive Ctrl-C and kill -9 of the control plane; the next start finds them', async t => {
    const id = instanceId(newUuid())
    await end(await controlPlane(id), 'SIGINT')
    const first = initPid()
    await end(await controlPlane(id), 'SIGKILL')
    assert.equal(initPid(), first)

    const daemon = await start()
    const driver = await openDriver(daemon)
    // Whatever fails: an open driver goes on connecting, and keeps this process.
    t.after(() => driver.close())
    assert.deepEqual(await driver.guest(id).state(), { exists: true, power: power.running })
    await daemon.close()
    assert.ok(isAlive(first), 'close leaves the daemons to their guests')
    await driver.guest(id).destroy()
    await daemon.close()
    assert.ok(!isAlive(first), 'close ends the daemons when no guest runs')
  })

  test('a spawn killed at any stage is finished by the next one, or undone without a trace', async t => {
    const instancesPath = join(folder, 'instances')
    const daemon = await start()
    const driver = await openDriver(daemon)
    // Whatever fails: an open driver goes on connecting, and keeps this process.
    t.after(() => driver.close())
    for (const next of ['spawn', 'destroy'] as const) {
      for (const file of ['disk', 'libvirt.xml', 'console.log']) {
        const id = instanceId(newUuid())
        const child = spawnControlPlane(id)
        await waitFor(`${file} of the guest`, () => existsSync(join(instancesPath, id, file)) || undefined, {
          deadlineMs: 30_000,
          everyMs: 1,
        })
        await end(child, 'SIGKILL')
        if (next === 'spawn') {
          const images = new TestImages(folder)
          const image = images.add(Buffer.alloc(65_536, 1), { diskFormat: 'raw' })
          await driver.guest(id).spawn(aGuestSpec({ image, memoryMiB: 64 }, { id }))
          assert.deepEqual(await driver.guest(id).state(), { exists: true, power: power.running })
        }
        await driver.guest(id).destroy()
        assert.deepEqual(await driver.list(), [])
        assert.deepEqual(readdirSync(instancesPath), ['_base'])
        assert.deepEqual(
          processes().filter(p => p.commandLine.includes(`-uuid\0${id}`)),
          [],
        )
      }
    }
    await daemon.close()
  })

  test('starts again over the same folder, and a stale record is not taken for a daemon', async t => {
    const startedMs = performance.now()
    const daemon = await start()
    t.diagnostic(`libvirtd ready after ${Math.round(performance.now() - startedMs)} ms`)
    const first = initPid()
    await stopEverything(stateDir)
    assert.ok(!isAlive(first))
    const again = await start()
    assert.notEqual(initPid(), first)
    await again.close()
    await daemon.close()
  })

  test('libvirtd comes back after the machine got another file of users', async () => {
    const daemon = await start()
    const first = await daemonPid({ stateDir }, 'libvirtd')
    // What becomes of a mount on a file in whose place another one is put, as useradd does.
    execFileSync('nsenter', ['--target', String(initPid()), '--mount', '--pid', 'umount', '/etc/passwd', '/etc/group'])
    process.kill(first, 'SIGKILL')
    const driver = await openDriver(await start())
    assert.deepEqual(await driver.list(), [])
    await driver.close()
    await daemon.close()
  })

  test('two starts at once share one daemon, also after a start that died halfway', async () => {
    writeFileSync(join(stateDir, 'launch.lock'), JSON.stringify({ pid: 999_999_999, startTicks: '1', bootId: 'x' }))
    const [one, two] = await Promise.all([start(), start()])
    assert.equal(one.socketPath, two.socketPath)
    const count = processes().filter(
      p => p.commandLine.startsWith('unshare\0') && p.commandLine.includes(stateDir),
    ).length
    assert.equal(count, 1)
    await one.close()
  })

  test('two state folders on one machine do not meet', async () => {
    const other = join(folder, 'other')
    const [one, two] = await Promise.all([
      start(),
      startLibvirt({ stateDir: other, log: silentLog, systemDaemon: 'ignore' }),
    ])
    assert.notEqual(one.socketPath, two.socketPath)
    await stopEverything(other)
    assert.ok(isAlive(initPid()))
    await one.close()
  })
})
