import { type Clock, type Fault, isTransient, type Log, pause, within } from '#base'
import type { CellMessage, IntercellContract } from '#bus'
import { CellRoutingInconsistency, CellTimeout } from '../faults.ts'
import type { CellTree } from '../tree/tree.ts'

export interface Hop {
  readonly direction: CellMessage['direction']
  /** The neighbour. */
  readonly name: string
  /** One nova-cells there by its name; undefined: any. */
  readonly server: string | undefined
}

interface DeliveryParts {
  readonly tree: CellTree
  readonly contract: IntercellContract
  readonly clock: Clock
  readonly log: Log
}

/** Pauses between attempts while a neighbour cannot be reached. */
const firstPauseMs = 100
const longestPauseMs = 2_000

/** A neighbour that takes nothing for this long is away. */
const awayAfterMs = 3_000
/** What was found out so long ago says nothing any more. */
const awayForMs = 180_000

/** Hands messages to the nova-cells of neighbours, as often as it takes. A message may arrive more than once. */
export class Delivery {
  readonly #p: DeliveryParts
  readonly #away = new Map<string, { readonly fault: Fault; readonly atMs: number }>()

  constructor(parts: DeliveryParts) {
    this.#p = parts
  }

  /** Returns when a nova-cells there has the message; `CellTimeout` when none takes it until then. */
  async send(message: CellMessage, hop: Hop, untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log, contract } = this.#p
    const sinceMs = clock.now()
    let pauseMs = firstPauseMs
    while (!signal.aborted) {
      const leftMs = untilMs - clock.now()
      if (leftMs <= 0) break
      const { bus } = this.#wayOf(hop)
      try {
        // Whether it was taken is all that the answer says.
        const taken = bus
          .client(contract, hop.server)
          .processMessage(message)
          .then(() => true)
        if ((await within(leftMs, taken, clock)) === true) return this.heardFrom(hop.name)
      } catch (error) {
        if (!isTransient(error)) throw error
        log.debug({ cell: hop.name, uuid: message.uuid, err: error }, 'a neighbouring cell does not take a message yet')
      }
      this.#notTaken(hop, sinceMs)
      await pause(Math.min(pauseMs, Math.max(0, untilMs - clock.now())), clock, signal)
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
    if (signal.aborted) throw signal.reason
    throw unreachable(hop.name)
  }

  /** The answer for one nova-cells that has ended says nothing of its cell. */
  #notTaken({ name, server }: Hop, sinceMs: number): void {
    const atMs = this.#p.clock.now()
    if (server === undefined && atMs - sinceMs >= awayAfterMs) this.#away.set(name, { fault: unreachable(name), atMs })
  }

  /** It takes messages, or sends some. */
  heardFrom(name: string): void {
    this.#away.delete(name)
  }

  /** Why nothing can be sent to a neighbour now, as it was found out not long ago. */
  whyAway(name: string): Fault | undefined {
    const away = this.#away.get(name)
    return away !== undefined && this.#p.clock.now() - away.atMs < awayForMs ? away.fault : undefined
  }

  #wayOf({ direction, name }: Hop) {
    const way = this.#p.tree.way(direction, name)
    if (way !== undefined) return way
    const kind = direction === 'down' ? 'child' : 'parent'
    throw CellRoutingInconsistency({ reason: `${this.#p.tree.ownName} has no ${kind} ${name}` })
  }
}

const unreachable = (name: string): Fault =>
  CellTimeout({ cell: name, reason: `No nova-cells of ${name} can be reached.` })
