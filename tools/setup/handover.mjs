/**
 * Runs the real program in place of this one: same terminal, same exit code, each signal once.
 *
 * Ctrl-C at a terminal reaches every process of the foreground group, and npm passes it on a second time. So the program
 * gets a session of its own, where neither reaches it, and we forward one signal per press. Should we be killed
 * ourselves, `setpriv --pdeathsig` takes the program down with us.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'

/** Presses of Ctrl-C this close together are one: the terminal's and npm's. */
const samePressMs = 300
const parentPollMs = 500
const lastWordsMs = 1000
const setpriv = '/usr/bin/setpriv'
/** A terminal that goes away means stop; a service would take SIGHUP as "read your configuration again". */
const forwarded = { SIGINT: 'SIGINT', SIGTERM: 'SIGTERM', SIGQUIT: 'SIGQUIT', SIGHUP: 'SIGTERM' }

/** Under `npm start` our parent is npm; killed with -9 it tells nobody, but we are then given to another parent. */
function whenNpmIsGone(callback) {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    callback()
  }, parentPollMs)
  timer.unref()
  return () => clearInterval(timer)
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env: NodeJS.ProcessEnv, group?: boolean, onOutput?: (text: Buffer) => void }} options `group`:
 *   signal all its processes; `onOutput`: gets what it prints, in place of the terminal
 * @returns {Promise<number>} its exit code, 128 + n when a signal ended it
 */
export function runInPlace(command, args, options) {
  return new Promise((resolve, reject) => {
    const guarded = existsSync(setpriv)
    const child = spawn(
      guarded ? setpriv : command,
      guarded ? ['--pdeathsig', 'TERM', '--', command, ...args] : [...args],
      {
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: options.env,
        stdio: options.onOutput === undefined ? 'inherit' : ['inherit', 'pipe', 'pipe'],
        detached: true,
      },
    )
    child.stdout?.on('data', options.onOutput)
    child.stderr?.on('data', options.onOutput)
    const lastMs = new Map()
    const forward = name => {
      const now = performance.now()
      if (now - (lastMs.get(name) ?? -samePressMs) < samePressMs) return
      lastMs.set(name, now)
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      try {
        process.kill(options.group ? -child.pid : child.pid, forwarded[name])
      } catch (error) {
        if (error.code !== 'ESRCH') throw error
      }
    }
    for (const name of Object.keys(forwarded)) process.on(name, forward)
    const unwatch = whenNpmIsGone(() => forward('SIGTERM'))
    child.on('error', reject)
    const isRead = options.onOutput === undefined ? Promise.resolve() : new Promise(done => child.on('close', done))
    child.on('exit', async (code, signal) => {
      // All that it printed, but not what its grandchildren may print for ever.
      await Promise.race([isRead, setTimeout(lastWordsMs, undefined, { ref: false })])
      for (const name of Object.keys(forwarded)) process.off(name, forward)
      unwatch()
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}
