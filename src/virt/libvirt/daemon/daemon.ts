import { spawn } from 'node:child_process'
import { closeSync, existsSync, linkSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Clock, fromJson, type Log, systemClock, waitFor } from '#base'
import { HypervisorNotInstalled, HypervisorUnavailable } from '../../faults.ts'
import { hasCpuCgroup, makeCpuCgroup, removeCpuCgroup } from '../host/cpu-cgroup.ts'
import { Connection, procedures } from '../rpc/index.ts'
import { type SeparateHost, writeDaemonConfig } from './daemon-config.ts'
import { aptPackages } from './packages.ts'
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts'
import { findProgram, programPath } from './programs.ts'

/*
 * libvirt where nobody else runs it.
 *
 * Theory of operation. The state folder of one control plane holds the folders of its own libvirtd and virtlogd. Both run
 * under a small process (daemon-config.ts) in a mount and a PID namespace of their own, detached from us: Ctrl-C does not
 * reach it, and our death changes nothing for the guests, which are its children. The daemons are left running with them,
 * for three reasons: libvirtd then goes on watching its guests (a crash while we are away is known when we come back), the
 * namespace must have a first process anyhow, and the next start finds everything within milliseconds. Only when no guest
 * runs does close() end it all.
 *
 * The next start finds the namespace by `init.json`: pid, start time and boot, so that a reused pid is never taken for it.
 * It is written by us after the process wrote its own pid; a crash in between leaves a namespace that nobody knows, with
 * libvirtd holding the lock in the run folder. That is found by the pid file of the process itself, below.
 */

export interface LibvirtDaemon {
  readonly socketPath: string
  /** False: the machine's own libvirtd, which we leave alone. */
  readonly isOurs: boolean
  /** Its guests may have limits of processor time. */
  readonly limitsCpu: boolean
  /** Leaves guests running; ends the daemons only when no guest runs. */
  close(): Promise<void>
}

export interface StartLibvirtOptions {
  /** Owned by this call: configuration, sockets and libvirt's own state. Must not lie under /var/lib/libvirt or /run/libvirt. */
  readonly stateDir: string
  readonly log: Log
  readonly clock?: Clock
  /** `ignore`: always a private daemon, also where the machine has one. */
  readonly systemDaemon?: 'prefer' | 'ignore'
  /** The daemon of one of several hosts on this machine; such a one is always private. */
  readonly host?: SeparateHost
}

const systemSockets = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock']
const neededPrograms = ['libvirtd', 'virtlogd', 'qemu-img', 'qemu-system-x86_64', 'unshare', 'mount']
const readyDeadlineMs = 60_000

export async function startLibvirt(options: StartLibvirtOptions): Promise<LibvirtDaemon> {
  const { log } = options
  const stateDir = resolve(options.stateDir)
  const clock = options.clock ?? systemClock
  if (options.systemDaemon !== 'ignore' && options.host === undefined) {
    const socketPath = await usableSystemSocket(clock)
    if (socketPath !== undefined) {
      log.info({ socketPath }, 'using the libvirtd of this machine')
      return { socketPath, isOurs: false, limitsCpu: true, close: async () => undefined }
    }
  }
  const socketPath = join(stateDir, 'run/libvirt-sock')
  const wasRunning = runningInit(stateDir) !== undefined
  if (!wasRunning) {
    refuseWhereImpossible()
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    await launchOnce(stateDir, options.host, clock)
  }
  await whenReady(stateDir, socketPath, clock)
  log.info({ socketPath, was_running: wasRunning }, 'private libvirtd is ready')
  return {
    socketPath,
    isOurs: true,
    limitsCpu: hasCpuCgroup(stateDir),
    close: () => closeUnlessGuests(stateDir, socketPath, clock, log),
  }
}

/** Ends the private daemons and every guest under them; for tests and for a host that is given up. */
export async function stopEverything(folder: string): Promise<void> {
  const stateDir = resolve(folder)
  const init = runningInit(stateDir)
  if (init === undefined) return
  process.kill(init.pid, 'SIGKILL')
  await waitFor('the daemons to end', () => (isAlive(init) ? undefined : true), { deadlineMs: 20_000 })
  rmSync(join(stateDir, 'init.json'), { force: true })
  rmSync(join(stateDir, 'init.pid'), { force: true })
  removeCpuCgroup(stateDir)
}

async function usableSystemSocket(clock: Clock): Promise<string | undefined> {
  for (const socketPath of systemSockets) {
    if (existsSync(socketPath) && (await answers(socketPath, clock))) return socketPath
  }
  return undefined
}

async function answers(socketPath: string, clock: Clock): Promise<boolean> {
  try {
    const connection = await probe(socketPath, clock)
    connection.close()
    return true
  } catch {
    return false
  }
}

const probe = (socketPath: string, clock: Clock): Promise<Connection> =>
  Connection.open({ socketPath, clock, onEvent: () => undefined, onClose: () => undefined }, 30_000)

function refuseWhereImpossible(): void {
  const missing = neededPrograms.filter(name => findProgram(name) === undefined)
  if (missing.length > 0)
    throw HypervisorNotInstalled({ programs: missing.join(', '), packages: aptPackages.join(' ') })
  if (process.getuid?.() !== 0) {
    throw HypervisorUnavailable({ reason: 'no libvirtd runs here, and only root can start one' })
  }
}

function runningInit(stateDir: string): ProcessIdentity | undefined {
  const path = join(stateDir, 'init.json')
  if (existsSync(path)) {
    const identity = fromJson<ProcessIdentity>(readFileSync(path, 'utf8'))
    if (isAlive(identity)) return identity
  }
  return adoptByPidFile(stateDir)
}

/** We died between the start of the namespace and the writing of `init.json`: the script's command line is the proof. */
function adoptByPidFile(stateDir: string): ProcessIdentity | undefined {
  const path = join(stateDir, 'init.pid')
  if (!existsSync(path)) return undefined
  const identity = identityOf(Number(readFileSync(path, 'utf8')))
  if (identity === undefined) return undefined
  const commandLine = readFileSync(`/proc/${identity.pid}/cmdline`, 'utf8')
  return commandLine.includes(join(stateDir, 'init.sh')) ? remember(stateDir, identity) : undefined
}

function remember(stateDir: string, identity: ProcessIdentity): ProcessIdentity {
  writeFileSync(join(stateDir, 'init.json'), JSON.stringify(identity))
  return identity
}

/** One namespace per state folder, also when two control planes start at once: the loser finds the winner's. */
async function launchOnce(stateDir: string, host: SeparateHost | undefined, clock: Clock): Promise<void> {
  const lock = join(stateDir, 'launch.lock')
  const isOurs = () => {
    // Linked, not written in place: a lock is never there without its owner in it.
    const mine = `${lock}.${process.pid}`
    writeFileSync(mine, JSON.stringify(identityOf(process.pid)))
    try {
      linkSync(mine, lock)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      dropLockOfTheDead(lock)
      return undefined
    } finally {
      rmSync(mine, { force: true })
    }
  }
  const outcome = await waitFor('another start of libvirtd', () => isOurs() ?? runningInit(stateDir), {
    deadlineMs: 15_000,
    clock,
  })
  if (outcome !== true) return
  try {
    if (runningInit(stateDir) === undefined) await launch(stateDir, host, clock)
  } finally {
    rmSync(lock, { force: true })
  }
}

function dropLockOfTheDead(lock: string): void {
  try {
    if (!isAlive(fromJson<ProcessIdentity>(readFileSync(lock, 'utf8')))) rmSync(lock, { force: true })
  } catch (error) {
    // Given back a moment ago.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * The program and its arguments: namespaces of mounts and processes, and for a separate host one of its name, within its
 * network. nsenter and not `ip netns exec`, which would hide the cgroups.
 */
function commandLine(stateDir: string, host: SeparateHost | undefined): [string, string[]] {
  // slave: what the machine mounts later is seen by guests, what we mount is not seen by the machine.
  const unshare = ['--mount', '--propagation', 'slave', '--pid', ...(host === undefined ? [] : ['--uts'])]
  const args = [...unshare, '--fork', '/bin/sh', join(stateDir, 'init.sh')]
  return host === undefined ? ['unshare', args] : ['nsenter', [`--net=/run/netns/${host.netns}`, 'unshare', ...args]]
}

async function launch(stateDir: string, host: SeparateHost | undefined, clock: Clock): Promise<void> {
  // A host of its own network sees no controllers.
  const cpuCgroup = host === undefined ? makeCpuCgroup(stateDir) : undefined
  writeDaemonConfig(stateDir, host, cpuCgroup !== undefined)
  rmSync(join(stateDir, 'init.pid'), { force: true })
  const output = openSync(join(stateDir, 'daemon.log'), 'a')
  const placed = cpuCgroup === undefined ? {} : { CPU_CGROUP: cpuCgroup }
  const named = host === undefined ? placed : { NOVA_HOSTNAME: host.hostname, NOVA_LISTEN: '--listen' }
  const child = spawn(...commandLine(stateDir, host), {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
    env: { PATH: programPath, STATE: stateDir, LC_ALL: 'C', ...named },
  })
  closeSync(output)
  let exit: string | undefined
  child.once('error', error => {
    exit = error.message
  })
  child.once('exit', code => {
    exit = `ended with ${code}`
  })
  const pid = await waitFor(
    'the start of libvirtd',
    () => {
      if (exit !== undefined)
        throw HypervisorUnavailable({ reason: `libvirtd could not be started (${exit}): ${logTail(stateDir)}` })
      const path = join(stateDir, 'init.pid')
      return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined
    },
    { deadlineMs: 10_000, everyMs: 10, clock },
  )
  child.removeAllListeners()
  child.unref()
  const identity = identityOf(pid)
  if (identity === undefined) throw HypervisorUnavailable({ reason: `libvirtd ended at once: ${logTail(stateDir)}` })
  remember(stateDir, identity)
}

async function whenReady(stateDir: string, socketPath: string, clock: Clock): Promise<void> {
  try {
    await waitFor('libvirtd', async () => ((await answers(socketPath, clock)) ? true : undefined), {
      deadlineMs: readyDeadlineMs,
      everyMs: 50,
      clock,
    })
  } catch (error) {
    throw HypervisorUnavailable({ reason: `libvirtd does not answer: ${logTail(stateDir)}` }, { cause: error })
  }
}

async function closeUnlessGuests(stateDir: string, socketPath: string, clock: Clock, log: Log): Promise<void> {
  const running = await runningGuests(socketPath, clock)
  if (running === 0) return stopEverything(stateDir)
  log.info({ running }, 'libvirtd stays with its guests')
}

const onlyActive = 1
const stateOnly = 1

/** Unknown counts as some: a daemon that does not answer now may well have guests. */
async function runningGuests(socketPath: string, clock: Clock): Promise<number | 'unknown'> {
  let connection: Connection | undefined
  try {
    connection = await probe(socketPath, clock)
    const stats = await connection.call(procedures.stats, { domains: [], stats: stateOnly, flags: onlyActive }, 10_000)
    return stats.length
  } catch {
    return 'unknown'
  } finally {
    connection?.close()
  }
}

function logTail(stateDir: string): string {
  const path = join(stateDir, 'daemon.log')
  if (!existsSync(path) || statSync(path).size === 0) return 'no output'
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-4).join(' | ').slice(-1000)
}
