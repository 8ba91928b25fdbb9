import { type Clock, within } from '#base'
import { CellTimeout } from '../faults.ts'
import type { CellResponse } from './response.ts'

type Responses = readonly CellResponse[]

/** Sending ends before waiting does, so that it can be told why nothing could be sent. */
const sendingShare = 0.95

/** Messages of this process that have not been answered. */
export class PendingAnswers {
  readonly #clock: Clock
  readonly #waiting = new Map<string, PromiseWithResolvers<Responses>>()
  readonly #asked = new Map<string, Promise<Responses>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** False: nobody waits for it (any more). */
  settle(uuid: string, responses: Responses): boolean {
    const waiting = this.#waiting.get(uuid)
    waiting?.resolve(responses)
    return waiting !== undefined
  }

  /**
   * Sends again and again, `everyMs` after each time, until the answer is there: both the message and its answer may get
   * lost on their way. Who asks the same while it is asked waits with the first.
   */
  ask(
    at: { readonly uuid: string; readonly cell: string; readonly timeoutMs: number; readonly everyMs: number },
    send: (untilMs: number, signal: AbortSignal) => Promise<void>,
  ): Promise<Responses> {
    const running = this.#asked.get(at.uuid)
    if (running !== undefined) return running
    const asked = this.#ask(at, send).finally(() => this.#asked.delete(at.uuid))
    this.#asked.set(at.uuid, asked)
    return asked
  }

  async #ask(
    { uuid, cell, timeoutMs, everyMs }: Parameters<PendingAnswers['ask']>[0],
    send: Parameters<PendingAnswers['ask']>[1],
  ) {
    const answer = Promise.withResolvers<Responses>()
    answer.promise.catch(() => undefined)
    this.#waiting.set(uuid, answer)
    const stop = new AbortController()
    const untilMs = this.#clock.now() + sendingShare * timeoutMs
    let trouble: unknown
    const sending = async () => {
      while (!stop.signal.aborted && this.#clock.now() < untilMs) {
        await send(untilMs, stop.signal)
        await within(everyMs, answer.promise, this.#clock)
      }
    }
    const sent = sending().catch(error => {
      trouble = error
      // What cannot be sent at all is not answered either.
      if (!stop.signal.aborted && !CellTimeout.is(error)) answer.reject(error)
    })
    try {
      const responses = await within(timeoutMs, answer.promise, this.#clock)
      if (responses !== undefined) return responses
      const reason = CellTimeout.is(trouble) ? String(trouble.params['reason']) : ''
      throw CellTimeout({ cell, reason })
    } finally {
      this.#waiting.delete(uuid)
      stop.abort()
      void sent
    }
  }
}
