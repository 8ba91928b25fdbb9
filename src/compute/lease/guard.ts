import { type ChildProcess, spawn } from 'node:child_process'
import type { Log } from '#base'

/** A guard that does not answer in this time is none. */
const answerMs = 5_000

export interface GuardOptions {
  /** Path of `nova-compute-guard`. */
  readonly program: string
  /** How it finds the guests, and its lease. */
  readonly args: readonly string[]
  readonly log: Log
}

/**
 * The process that kills the guests of this host when this one is not there to do it. It outlives this one on purpose, and
 * ends when it sees in the file of the lease that another is in its place.
 */
export class Guard {
  readonly #options: GuardOptions
  #child: ChildProcess | undefined

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /** Its pid, if it watches; starts it where there is none. Undefined: nobody watches. */
  async watching(): Promise<number | undefined> {
    const child = this.#running()
    if (child.pid === undefined) return undefined
    if (await answers(child)) return child.pid
    this.#options.log.error('the guard of this host does not answer')
    return undefined
  }

  #running(): ChildProcess {
    const before = this.#child
    if (before !== undefined && before.exitCode === null && before.signalCode === null && before.connected)
      return before
    const { program, args, log } = this.#options
    const child = spawn(process.execPath, [program, ...args], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('error', error => log.error({ err: error }, 'the guard of this host cannot be started'))
    child.unref()
    child.channel?.unref()
    this.#child = child
    return child
  }
}

async function answers(child: ChildProcess): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const yes = () => resolve(true)
  const no = () => resolve(false)
  const late = setTimeout(no, answerMs)
  child.once('message', yes).once('exit', no)
  // That it cannot be sent shows in the lack of an answer.
  child.send('are you there', () => undefined)
  try {
    return await promise
  } finally {
    clearTimeout(late)
    child.off('message', yes).off('exit', no)
  }
}
