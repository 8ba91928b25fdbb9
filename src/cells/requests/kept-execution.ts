import { type Clock, every, type Log, pause } from '#base'
import type { FarRequest } from '#bus'
import type { FarReply } from '#model'
import { type KeptRequest, type Store, turnOf } from '#store'
import { type LocalApi, RequestLost } from './local-api.ts'
import type { Traces } from './traces.ts'

/**
 * Carries out requests of other cells, each once.
 *
 * Theory of operation. A row is written before a request is begun, with a lease, and its answer is written into the row
 * when it is there. A request that comes again finds its answer; or that somebody is at it, and waits; or a lease that has run
 * out, and takes the request over: whoever had it is dead, or will not write any more, because every transaction of the
 * request looks first whose the row is.
 * What he had done by then is found by `traces.ts`. A process that is killed
 * - before the row: nothing has happened;
 * - between row and effect: no trace, so it is carried out now;
 * - between effect and answer: the trace says so, and the answer is made from it;
 * - after the answer: it is in the row.
 */
export interface KeptExecutionParts {
  /** Where the requests do what they do, and are kept. */
  readonly store: Store
  readonly api: LocalApi
  readonly traces: Traces
  /** This life of this process. */
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
}

const leaseMs = 9_000
const lookMs = 250
/** Nobody asks for the answer after this: calls are given up much earlier. It may hold a password. */
const keepMs = 3_600_000
const sweepMs = 600_000

const isRead = ({ method }: FarRequest): boolean => method === 'GET' || method === 'HEAD'

export class KeptExecution {
  readonly #p: KeptExecutionParts
  readonly #running = new Map<string, Promise<FarReply>>()
  #stop: () => void = () => undefined

  constructor(parts: KeptExecutionParts) {
    this.#p = parts
  }

  start(): void {
    const { clock, log } = this.#p
    const sweep = () => this.#kept.forgetBegunBefore(clock.now() - keepMs)
    this.#stop = every(clock, sweepMs, sweep, error => log.error({ err: error }, 'old requests could not be removed'))
  }

  stop(): void {
    this.#stop()
  }

  run(request: FarRequest): Promise<FarReply> {
    if (isRead(request)) return this.#p.api.run(request, false)
    const running = this.#running.get(request.id)
    if (running !== undefined) return running
    const begun = this.#once(request).finally(() => this.#running.delete(request.id))
    this.#running.set(request.id, begun)
    return begun
  }

  async #once(request: FarRequest): Promise<FarReply> {
    const { clock, owner, log } = this.#p
    const kept = this.#kept
    const { id, requestId } = request
    for (;;) {
      const now = clock.now()
      const leaseUntilMs = now + leaseMs
      try {
        if (await kept.begin({ id, requestId, owner, leaseUntilMs, begunAtMs: now }))
          return await this.#carryOut(request, undefined)
        const before = await kept.find(id)
        if (before?.reply !== undefined) return before.reply
        if (before !== undefined && before.leaseUntilMs < now && (await this.#takeOver(before, leaseUntilMs))) {
          log.warn({ request_id: requestId }, 'a request of another cell is taken over from a nova-cells that ended')
          return await this.#carryOut(request, before)
        }
      } catch (error) {
        if (!RequestLost.is(error)) throw error
      }
      await pause(lookMs, clock)
    }
  }

  get #kept() {
    return this.#p.store.novaCells.requests
  }

  /** Never while whoever has it is in a transaction. */
  #takeOver(before: KeptRequest, leaseUntilMs: number): Promise<boolean> {
    return this.#p.store.transaction(async tx => {
      await tx.turn(turnOf.farRequest(before.id))
      return tx.novaCells.requests.takeOver(before, this.#p.owner, leaseUntilMs)
    })
  }

  async #carryOut(request: FarRequest, before: KeptRequest | undefined): Promise<FarReply> {
    const { clock, owner, log, api, traces } = this.#p
    const kept = this.#kept
    const { id } = request
    const renew = () => kept.renew(id, owner, clock.now() + leaseMs)
    const stop = every(clock, leaseMs / 3, renew, error => log.warn({ err: error }, 'a lease could not be renewed'))
    try {
      const known = before === undefined ? undefined : await traces.answerOf(request, before)
      const reply = known ?? (await api.run(request, true))
      if (!(await kept.answer(id, owner, reply, clock.now()))) throw RequestLost({})
      return reply
    } finally {
      stop()
    }
  }
}
