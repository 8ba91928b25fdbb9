import { setImmediate as turn } from 'node:timers/promises'
import { ManualClock } from '#base'
import type { Store } from '#store'

/** Turns of the event loop between two moves of the clock: what needs no time gets done in them. */
const turnsPerMove = 12
const moveMs = 250
/** Longer than anything waits for anybody: what is not over by then never will be. */
const mostMs = 2 * 3_600_000

/** Time that passes only where somebody waits for it. */
export class VirtualTime {
  readonly clock = new ManualClock(Date.now())

  /** Goes on until the condition holds. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const end = this.clock.now() + mostMs
    while (this.clock.now() < end) {
      for (let i = 0; i < turnsPerMove; i++) await turn()
      if (await isSo()) return
      this.clock.advance(moveMs)
    }
    throw new Error(`two virtual hours passed and this did not come: ${what}`)
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    await this.until(`${ms} ms to pass`, async () => this.clock.now() >= end)
  }

  /** Until no operation is under way. */
  async quiet(store: Store): Promise<void> {
    try {
      await this.until('all operations to end', async () => (await store.sagas.open()).length === 0)
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${JSON.stringify(await store.sagas.open())}`, { cause: error })
    }
  }
}
