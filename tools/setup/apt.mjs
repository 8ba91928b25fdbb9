/** Installs Debian packages as root: index when needed, waits for another apt, finishes what a crash interrupted. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommand, tail } from './command.mjs'
import { Interrupted, SetupFault } from './fault.mjs'
import { holdServices, installMark, releaseServices } from './service-policy.mjs'

const isLocked = output => /Could not get lock|Unable to (acquire|lock)|is another process using it/i.test(output)
const isInterrupted = output => /dpkg was interrupted|dpkg --configure -a/.test(output)
const isOffline = output =>
  /Temporary failure|Could not (resolve|connect)|Network is unreachable|Connection (timed out|refused|failed)|No route to host/i.test(
    output,
  )
const isStale = output =>
  /Unable to locate package|no installation candidate|Unable to fetch|404 +Not Found/i.test(output)

/** apt's `dlstatus:1:12.5:text` and `pmstatus:pkg:33.3:text` as a share of download (first half) and installation. */
export function statusOf(line) {
  const match = /^(dlstatus|pmstatus):[^:]*(?::[a-z0-9]+)?:([\d.]+):(.*)$/.exec(line)
  if (match === null) return undefined
  const [, kind, percent, detail] = match
  return { percent: kind === 'dlstatus' ? Number(percent) / 2 : 50 + Number(percent) / 2, detail }
}

/** @typedef {{ env: NodeJS.ProcessEnv, progress: import('./progress.mjs').Progress, signal: AbortSignal, root?: string, lockPollMs?: number, lockWaitMs?: number }} AptContext */

const aptEnv = context => ({ ...context.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', [installMark]: '1' })

const throwIfStopped = signal => {
  if (signal.aborted) throw new Interrupted(signal.reason)
}

/** One apt or dpkg command; while another one holds the lock, waits and says so. */
async function patiently(context, step, command, args) {
  const pollMs = context.lockPollMs ?? 1000
  let waitedMs = 0
  for (;;) {
    const result = await runCommand(command, args, {
      env: aptEnv(context),
      signal: context.signal,
      onStatus: line => {
        const status = statusOf(line)
        if (status !== undefined) step.update(status.percent, status.detail)
      },
    })
    throwIfStopped(context.signal)
    if (result.code === 0 || !isLocked(result.output)) return result
    if (waitedMs === 0) {
      const holder = /held by process (\d+ \([^)]*\))/.exec(result.output)?.[1]
      step.note(
        `Another program${holder === undefined ? '' : `, process ${holder},`} is using apt: waiting for it to end.`,
      )
    }
    if (waitedMs >= (context.lockWaitMs ?? 900_000)) {
      throw new SetupFault('Another program has kept apt locked for a quarter of an hour; end it and start again.', {
        details: tail(result.output),
      })
    }
    await sleep(pollMs, undefined, { signal: context.signal }).catch(() => throwIfStopped(context.signal))
    waitedMs += pollMs
  }
}

const keepConfiguration = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold']
const aptOptions = ['-q', '-o', 'APT::Status-Fd=3', '-o', 'Dpkg::Use-Pty=0', '-o', 'Acquire::Retries=2']

async function updateIndex(context) {
  const step = context.progress.step('Reading the list of Debian packages', { shown: true })
  const result = await patiently(context, step, 'apt-get', ['update', ...aptOptions])
  step.done()
  return result.output
}

/** @returns {Promise<string[]>} those that apt's index does not offer */
async function unknownPackages(context, packages) {
  const { output } = await runCommand('apt-cache', ['policy', ...packages], { env: aptEnv(context) })
  const offered = new Set()
  let name = ''
  for (const line of output.split('\n')) {
    if (/^\S+:$/.test(line)) name = line.slice(0, -1)
    else if (/^ +Candidate: (?!\(none\))/.test(line)) offered.add(name)
  }
  return packages.filter(wanted => !offered.has(wanted))
}

async function install(context, packages) {
  const title = `Installing ${packages.length} Debian package${packages.length === 1 ? '' : 's'}`
  const step = context.progress.step(title, { shown: true })
  const result = await patiently(context, step, 'apt-get', [
    'install',
    '-y',
    '--no-install-recommends',
    ...aptOptions,
    ...keepConfiguration,
    ...packages,
  ])
  if (result.code === 0) step.done()
  else step.stop()
  return result
}

function failure(packages, output) {
  const details = tail(
    output
      .split('\n')
      .filter(line => /^(E|W|Err):?/.test(line))
      .join('\n') || output,
  )
  if (isOffline(output)) {
    return new SetupFault(
      'The Debian package server cannot be reached, so these packages could not be installed: ' +
        `${packages.join(' ')}. Check the network (and the proxy settings of apt), then start again.`,
      { details },
    )
  }
  return new SetupFault(`apt-get could not install: ${packages.join(' ')}`, { details })
}

/**
 * @param {AptContext} context
 * @param {readonly string[]} packages
 */
async function installHeld(context, packages) {
  let updateOutput
  if ((await unknownPackages(context, packages)).length > 0) {
    updateOutput = await updateIndex(context)
    const unknown = await unknownPackages(context, packages)
    if (unknown.length > 0) {
      if (isOffline(updateOutput)) throw failure(unknown, updateOutput)
      throw new SetupFault(`This system's apt sources do not offer: ${unknown.join(' ')} (Debian 12 has them).`, {
        details: tail(updateOutput),
      })
    }
  }
  let result = await install(context, packages)
  if (result.code !== 0 && isInterrupted(result.output)) {
    const step = context.progress.step('Finishing an interrupted installation', { shown: true })
    await patiently(context, step, 'dpkg', ['--configure', '-a'])
    step.done()
    result = await install(context, packages)
  }
  if (result.code !== 0 && updateOutput === undefined && isStale(result.output)) {
    updateOutput = await updateIndex(context)
    result = await install(context, packages)
  }
  if (result.code !== 0) throw failure(packages, result.output)
}

/**
 * @param {AptContext} context
 * @param {readonly string[]} packages
 */
export async function installPackages(context, packages) {
  holdServices(context.root)
  try {
    await installHeld(context, packages)
  } finally {
    releaseServices(context.root)
  }
}

/** The one line a user without root rights has to run. */
export function lineForRoot(packages, hasSudo) {
  const steps = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`
  return hasSudo ? `sudo sh -c '${steps}'` : `su -c '${steps}'`
}

/** Name and version of this system for messages, from os-release. */
export function systemName(root = '/') {
  try {
    const text = readFileSync(`${root}/etc/os-release`, 'utf8')
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'this system'
  } catch {
    return 'this system'
  }
}
