import { type Clock, isTransient, type Log, pause, within } from '#base'
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

/** Hands messages to the nova-cells of neighbours, as often as it takes. A message may arrive more than once. */
export class Delivery {
  readonly #p: DeliveryParts

  constructor(parts: DeliveryParts) {
    this.#p = parts
  }

  /** Returns when a nova-cells there has the message; `CellTimeout` when none takes it until then. */
  async send(message: CellMessage, hop: Hop, untilMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log, contract } = this.#p
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
        if ((await within(leftMs, taken, clock)) === true) return
      } catch (error) {
        if (!isTransient(error)) throw error
        log.debug({ cell: hop.name, uuid: message.uuid, err: error }, 'a neighbouring cell does not take a message yet')
      }
      await pause(Math.min(pauseMs, Math.max(0, untilMs - clock.now())), clock, signal)
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
    if (signal.aborted) throw signal.reason
    throw CellTimeout({ cell: hop.name, reason: `No nova-cells of ${hop.name} can be reached.` })
  }

  #wayOf({ direction, name }: Hop) {
    const way = this.#p.tree.way(direction, name)
    if (way !== undefined) return way
    const kind = direction === 'down' ? 'child' : 'parent'
    throw CellRoutingInconsistency({ reason: `${this.#p.tree.ownName} has no ${kind} ${name}` })
  }
}
