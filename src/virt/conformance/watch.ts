import { type InstanceId, waitFor } from '#base'
import type { GuestEvent, VirtDriver } from '../driver.ts'
import type { Bench } from './bench.ts'

/** Collects the events of a driver from now on. */
export function watchEvents(driver: VirtDriver): { readonly seen: GuestEvent[]; end(): Promise<void> } {
  const seen: GuestEvent[] = []
  const stop = new AbortController()
  const done = (async () => {
    for await (const event of driver.events(stop.signal)) seen.push(event)
  })()
  return {
    seen,
    async end() {
      stop.abort()
      await done
    },
  }
}

/** Waits until the guest's console holds the text; with the console in the error when it does not. */
export async function consoleShows(bench: Bench, id: InstanceId, text: string): Promise<string> {
  let console = ''
  const look = async () => {
    console = (await bench.driver.consoleLog?.read(id)) ?? ''
    return console.includes(text) ? console : undefined
  }
  try {
    return await waitFor(`"${text}" on the console`, look, { deadlineMs: bench.bootDeadlineMs, everyMs: 100 })
  } catch (error) {
    throw new Error(`${(error as Error).message}; it holds: ${console.slice(-1500)}`, { cause: error })
  }
}

/** Waits for an event of the guest; with those that came instead in the error when it does not. */
export async function eventOf(
  seen: readonly GuestEvent[],
  id: InstanceId,
  kind: GuestEvent['kind'],
): Promise<GuestEvent> {
  const ofGuest = () => seen.filter(event => event.id === id)
  try {
    return await waitFor(`event ${kind}`, () => ofGuest().find(event => event.kind === kind), { deadlineMs: 60_000 })
  } catch (error) {
    throw new Error(`${(error as Error).message}; there came: ${ofGuest().map(event => event.kind)}`, { cause: error })
  }
}
