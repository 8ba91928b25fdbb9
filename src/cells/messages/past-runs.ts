import type { Clock } from '#base'
import type { CellResponse } from './response.ts'

type Responses = readonly CellResponse[]

interface Run {
  /** Undefined: it runs. */
  responses: Responses | undefined
  endedAtMs: number
}

/** As long as a message may come again. */
const rememberMs = 600_000
/** Answers that are larger are not kept: the method runs again, and converges. */
const mostCharacters = 65_536

/** Messages that this process has worked on, so that one that comes again is not worked on again. */
export class PastRuns {
  readonly #clock: Clock
  readonly #runs = new Map<string, Run>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `begin`: it is new. `running`: its answer follows by itself. Otherwise its answer, which must have got lost. */
  look(uuid: string): 'begin' | 'running' | Responses {
    this.#forgetOld()
    const run = this.#runs.get(uuid)
    if (run !== undefined) return run.responses ?? 'running'
    this.#runs.set(uuid, { responses: undefined, endedAtMs: Number.POSITIVE_INFINITY })
    return 'begin'
  }

  ended(uuid: string, responses: Responses): void {
    this.#runs.delete(uuid)
    if (JSON.stringify(responses).length > mostCharacters) return
    // In order of their ends.
    this.#runs.set(uuid, { responses, endedAtMs: this.#clock.now() })
  }

  #forgetOld(): void {
    const now = this.#clock.now()
    for (const [uuid, { endedAtMs, responses }] of this.#runs) {
      if (responses === undefined) continue
      if (now - endedAtMs < rememberMs) return
      this.#runs.delete(uuid)
    }
  }
}
