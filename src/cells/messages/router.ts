import { type Clock, type Fault, Limiter, type Log, namedUuid } from '#base'
import type { Bus, CellMessage, IntercellContract } from '#bus'
import { CellNotFound, CellsStopping, CellTimeout } from '../faults.ts'
import { inverted, namesOf, pathOf } from '../names.ts'
import type { CellTree } from '../tree/tree.ts'
import { Delivery, type Hop } from './delivery.ts'
import { checkMessage, type Direction, newMessage, opposite } from './message.ts'
import type { CellMethod, CellMethods, MethodContext } from './methods.ts'
import { PastRuns } from './past-runs.ts'
import { PendingAnswers } from './pending.ts'
import { type CellResponse, failure, faultOf, type ResponseKwargs, responseKwargsShape, success } from './response.ts'
import { arrived, mayGoOn, nextHop } from './routing.ts'
import { check } from './schema.ts'

/**
 * Messages between cells.
 *
 * Theory of operation. A nova-cells takes a message at once, in memory, and works on it afterwards, so a message is lost
 * with the process that has it, and so is an answer. Therefore whoever waits for an answer sends its message again, under
 * the same uuid, until the answer comes or the time is over. A cell on the way passes on what comes, however often. In the
 * cell that a message is for, one that is being worked on is left alone, and one that was worked on is answered from memory; the
 * memory of another nova-cells of the cell, or of the one before a kill, does not have it, so methods converge when they
 * run twice with one uuid.
 *
 * An answer goes back the way its message came, and at last to the one nova-cells, by its name, that waits: there may be
 * several in a cell. Of a broadcast each cell waits for those next to it and answers for all of them.
 *
 * Each cell leaves the next one less time than it has itself, so that what cannot be reached far away is told by those
 * who know, before the first cell stops waiting.
 */
export interface RouterParts {
  readonly tree: CellTree
  readonly methods: CellMethods
  /** Of this cell. */
  readonly bus: Bus
  readonly contract: IntercellContract
  /** This nova-cells among those of its cell: `[DEFAULT] host`. */
  readonly server: string
  readonly maxHopCount: number
  readonly callTimeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

export interface CallOptions {
  /** The same for what is asked again. */
  readonly uuid?: string
  readonly requestId?: string
  /** Less than `call_timeout`. */
  readonly timeoutMs?: number
}

export interface BroadcastOptions extends CallOptions {
  readonly runLocally: boolean
  /** Tries neighbours, too, that are known to be away: who only wants to know what others have does not wait for them. */
  readonly triesAll?: boolean
}

/** Of the time that a cell has, what the next one gets. */
const nextShare = 0.85

/** Methods of other cells at work at a time. */
const mostRuns = 64

/** An answer is asked for again so many times in the time of a call, but not more often than this. */
const sendings = 8
const leastPauseMs = 500
const mostPauseMs = 5_000

export class CellRouter {
  readonly #p: RouterParts
  readonly #delivery: Delivery
  readonly #pending: PendingAnswers
  readonly #past: PastRuns
  readonly #limiter = new Limiter(mostRuns)
  readonly #closing = new AbortController()

  constructor(parts: RouterParts) {
    this.#p = parts
    this.#delivery = new Delivery(parts)
    this.#pending = new PendingAnswers(parts.clock)
    this.#past = new PastRuns(parts.clock)
  }

  /** Takes messages of other cells; returns what stops it. */
  serve(): () => void {
    const { bus, contract, server } = this.#p
    return bus.serve(contract, server, {
      processMessage: async message => {
        checkMessage(message)
        this.#soon(message, this.#take(message))
        return null
      },
    })
  }

  /** Lets go of what is under way: `CellsStopping` for those who wait for it. */
  close(): void {
    this.#closing.abort(CellsStopping({}))
  }

  /** Why a neighbour cannot be reached, as far as that is known. */
  whyAway(name: string): Fault | undefined {
    return this.#delivery.whyAway(name)
  }

  /**
   * Runs a method in the cell with this path, seen from here. `CellNotFound`, `CellTimeout`,
   * `CellRoutingInconsistency`, `CellMaxHopCountReached`, and what the method throws there.
   */
  async call<In extends object, Out>(
    cell: string,
    method: CellMethod<In, Out>,
    args: In,
    options: CallOptions = {},
  ): Promise<Out> {
    const { tree } = this.#p
    const message = this.#message('targeted', this.#directionTo(cell), method, args, options, { target_cell: cell })
    if (cell === tree.ownName) {
      return (await this.#p.methods.run(method.name, args, contextOf(arrived(message, cell)))) as Out
    }
    const here = arrived(message, tree.ownName)
    const [response] = await this.#ask(here, this.#hop(here), cell)
    if (response === undefined) throw CellTimeout({ cell, reason: '' })
    return this.#valueOf(method, response)
  }

  /** Runs a method in all cells on that side, and maybe here. One response per cell; those that cannot be reached have failed. */
  async broadcast<In extends object, Out>(
    direction: Direction,
    method: CellMethod<In, Out>,
    args: In,
    options: BroadcastOptions,
  ): Promise<readonly { readonly cell: string; readonly outcome: { value: Out } | { fault: unknown } }[]> {
    const message = this.#message('broadcast', direction, method, args, options, { run_locally: options.runLocally })
    const responses = await this.#everywhere(arrived(message, this.#p.tree.ownName), options.triesAll)
    return responses.map(response => {
      const cell = response.cell_name
      try {
        return { cell, outcome: { value: this.#valueOf(method, response) } }
      } catch (fault) {
        return { cell, outcome: { fault } }
      }
    })
  }

  #message<In extends object>(
    message_type: 'targeted' | 'broadcast',
    direction: Direction,
    { name }: CellMethod<In, unknown>,
    args: In,
    { uuid, requestId, timeoutMs }: CallOptions,
    more: Partial<CellMessage>,
  ): CellMessage {
    return newMessage({
      message_type,
      direction,
      method_name: name,
      method_kwargs: args as CellMessage['method_kwargs'],
      need_response: true,
      max_hop_count: this.#p.maxHopCount,
      timeout_ms: Math.min(this.#p.callTimeoutMs, timeoutMs ?? Number.POSITIVE_INFINITY),
      reply_to: this.#p.server,
      ctxt: { request_id: requestId ?? null },
      ...(uuid === undefined ? {} : { uuid }),
      ...more,
    })
  }

  #valueOf<Out>(method: CellMethod<never, Out>, response: CellResponse): Out {
    if (response.failure) throw faultOf(response)
    check(`The result of ${method.name}`, method.gives, response.value)
    return response.value as Out
  }

  /** By the first neighbour on the way. */
  #directionTo(cell: string): Direction {
    const { tree } = this.#p
    const [first, next] = namesOf(cell)
    if (first === tree.ownName) {
      if (next === undefined || tree.way('down', next) !== undefined) return 'down'
      if (tree.way('up', next) !== undefined) return 'up'
    }
    throw CellNotFound({ cell_name: cell })
  }

  /** Only for a message that is not for this cell. */
  #hop(here: CellMessage): Hop {
    const hop = nextHop(here)
    if (hop === undefined) throw new Error('a message that is at its end has no next hop')
    const isAnswer = here.message_type === 'response' && hop.isLast
    return { direction: here.direction, name: hop.name, server: isAnswer ? here.reply_to : undefined }
  }

  #everyMs(timeoutMs: number): number {
    return Math.min(mostPauseMs, Math.max(leastPauseMs, timeoutMs / sendings))
  }

  #ask(here: CellMessage, hop: Hop, cell: string): Promise<readonly CellResponse[]> {
    const timeoutMs = here.timeout_ms
    const at = { uuid: here.uuid, cell, timeoutMs, everyMs: this.#everyMs(timeoutMs) }
    return this.#pending.ask(at, (untilMs, signal) => this.#pass(here, hop, untilMs, signal))
  }

  /** With less time than is left here. */
  #pass(here: CellMessage, hop: Hop, untilMs: number, signal: AbortSignal): Promise<void> {
    const timeout_ms = nextShare * Math.max(0, untilMs - this.#p.clock.now())
    return this.#delivery.send({ ...here, timeout_ms }, hop, untilMs, AbortSignal.any([signal, this.#closing.signal]))
  }

  /** What fails is told to the cell that has asked, or it is written down. */
  #soon(message: CellMessage, work: Promise<void>): void {
    work.catch(error => {
      if (this.#closing.signal.aborted) return
      const { uuid, method_name: method, routing_path: from } = message
      this.#p.log.warn({ uuid, method, from, err: error }, 'a message between cells got no further')
    })
  }

  async #take(message: CellMessage): Promise<void> {
    this.#delivery.heardFrom(namesOf(message.routing_path).at(-1) ?? '')
    const here = arrived(message, this.#p.tree.ownName)
    if (here.message_type === 'broadcast') return this.#run(here)
    try {
      if (nextHop(here) !== undefined) {
        const untilMs = this.#p.clock.now() + here.timeout_ms
        return await this.#pass(here, this.#hop(here), untilMs, this.#closing.signal)
      }
    } catch (error) {
      if (here.message_type === 'response' || !here.need_response) throw error
      return await this.#respond(here, [failure(here.target_cell ?? here.routing_path, error)])
    }
    if (here.message_type === 'response') return this.#settle(here)
    return this.#run(here)
  }

  #settle({ uuid, method_kwargs: kwargs }: CellMessage): void {
    check('A response', responseKwargsShape, kwargs)
    const { responses } = kwargs as unknown as ResponseKwargs
    if (!this.#pending.settle(uuid, responses)) this.#p.log.debug({ uuid }, 'an answer comes for which nobody waits')
  }

  async #run(here: CellMessage): Promise<void> {
    const past = this.#past.look(here.uuid)
    if (past === 'running') return
    const responses = past === 'begin' ? await this.#begin(here) : past
    if (here.need_response) await this.#respond(here, responses)
  }

  async #begin(here: CellMessage): Promise<readonly CellResponse[]> {
    let responses: readonly CellResponse[] = []
    try {
      responses = here.message_type === 'broadcast' ? await this.#everywhere(here) : [await this.#runHere(here)]
      return responses
    } finally {
      this.#past.ended(here.uuid, responses)
    }
  }

  async #runHere(here: CellMessage): Promise<CellResponse> {
    const { routing_path: routingPath, uuid, method_name: name, method_kwargs: args } = here
    try {
      return success(routingPath, await this.#limiter.run(() => this.#p.methods.run(name, args, contextOf(here))))
    } catch (error) {
      this.#p.log.debug({ uuid, method: name, from: routingPath, err: error }, 'a method of another cell has failed')
      return failure(routingPath, error)
    }
  }

  /** Here, unless the message comes from here and does not want it, and in all cells further on. */
  async #everywhere(here: CellMessage, triesAll = false): Promise<readonly CellResponse[]> {
    const { tree } = this.#p
    const comesFromHere = here.routing_path === tree.ownName
    const isLocal = !comesFromHere || here.run_locally === true
    const next = here.direction === 'down' ? tree.children : tree.parents
    const answers = await Promise.all([
      ...(isLocal ? [this.#runHere(here).then(one => [one])] : []),
      ...(mayGoOn(here) ? next.map(({ name }) => this.#further(here, name, triesAll)) : []),
    ])
    return answers.flat()
  }

  async #further(here: CellMessage, name: string, triesAll: boolean): Promise<readonly CellResponse[]> {
    const cell = pathOf(here.routing_path, name)
    const away = triesAll ? undefined : this.whyAway(name)
    if (away !== undefined) return [failure(cell, away)]
    const hop: Hop = { direction: here.direction, name, server: undefined }
    const uuid = namedUuid(`${here.uuid} ${name}`)
    try {
      return await this.#ask({ ...here, uuid, reply_to: this.#p.server }, hop, cell)
    } catch (error) {
      return [failure(cell, error)]
    }
  }

  /** Back the whole way; of a broadcast to the cell before, which waits for this one. */
  async #respond(here: CellMessage, responses: readonly CellResponse[]): Promise<void> {
    const back = inverted(here.routing_path)
    const { callTimeoutMs, tree, clock } = this.#p
    const message = newMessage({
      message_type: 'response',
      method_name: 'parse_responses',
      method_kwargs: { responses },
      direction: opposite(here.direction),
      need_response: false,
      uuid: here.uuid,
      max_hop_count: here.max_hop_count,
      timeout_ms: callTimeoutMs,
      ctxt: here.ctxt,
      target_cell: here.message_type === 'broadcast' ? pathOf(...namesOf(back).slice(0, 2)) : back,
      ...(here.reply_to === undefined ? {} : { reply_to: here.reply_to }),
    })
    const answer = arrived(message, tree.ownName)
    await this.#pass(answer, this.#hop(answer), clock.now() + callTimeoutMs, this.#closing.signal)
  }
}

const contextOf = ({ routing_path, ctxt, uuid, timeout_ms }: CellMessage): MethodContext => ({
  routingPath: routing_path,
  requestId: ctxt.request_id,
  uuid,
  timeoutMs: timeout_ms,
})
