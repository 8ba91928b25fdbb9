/** What may befall a part of the cloud other than its death: its cable is cut, its disk is slow, its clock is wrong. */
import { existsSync, globSync, writeFileSync } from 'node:fs'
import type { Cable } from '../bin/cable.ts'
import type { Target } from './arena.ts'

/** The network between a host and the broker lets nothing through; both ends believe in their connection for a while. */
export const cutCable = (cable: Cable, host: string): Target => ({
  name: `cable of ${host}`,
  host,
  kill: () => cable.cut(),
  start: () => cable.mend(),
  awayMs: [0, 15_000],
})

/** Of each half second it runs a twentieth, as a process does whose disk is busy: the kernels here delay no block device. */
export function slowed(name: string, pidOf: () => number): Target {
  const [roundMs, runsMs] = [500, 25]
  let timers: NodeJS.Timeout[] = []
  const round = () => {
    process.kill(pidOf(), 'SIGSTOP')
    timers[1] = setTimeout(() => process.kill(pidOf(), 'SIGCONT'), roundMs - runsMs)
  }
  return {
    name: `disk of ${name}`,
    kill: async () => {
      round()
      timers[0] = setInterval(round, roundMs)
    },
    start: async () => {
      for (const timer of timers) clearTimeout(timer)
      timers = []
      process.kill(pidOf(), 'SIGCONT')
    },
    awayMs: [1_000, 8_000],
  }
}

const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1')

/** A clock of its own for a process: what it takes for the time can be set, while time itself goes on. */
export class WrongClock {
  readonly #file: string

  constructor(file: string) {
    if (library === undefined || !existsSync(library))
      throw new Error('libfaketime is not installed: npm run test:chaos installs it')
    this.#file = file
    this.#set(0)
  }

  #set(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}`)
  }

  /** For the process. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // Seconds until a change is seen.
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** By so much it jumps, and back. */
  jump(name: string, seconds: number): Target {
    return {
      name: `clock of ${name}, ${seconds > 0 ? 'forward' : 'back'}`,
      kill: async () => this.#set(seconds),
      start: async () => this.#set(0),
      awayMs: [1_500, 8_000],
    }
  }
}
