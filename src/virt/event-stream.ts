import type { GuestEvent } from './driver.ts'

/** The events as an iteration that ends with the signal. */
export async function* eventStream(
  subscribe: (listener: (event: GuestEvent) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<GuestEvent> {
  const waiting: GuestEvent[] = []
  let wake: () => void = () => undefined
  const unsubscribe = subscribe(event => {
    waiting.push(event)
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    while (!signal.aborted) {
      const event = waiting.shift()
      if (event !== undefined) yield event
      else await new Promise<void>(resolve => (wake = resolve))
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    unsubscribe()
  }
}
