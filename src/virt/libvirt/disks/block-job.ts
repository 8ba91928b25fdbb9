import type { InstanceId } from '#base'
import type { GuestContext } from '../guest/guest-context.ts'

/** Progress of a job shows in no event; and one that ended while the daemon was away in none either. */
const lookAgainMs = 2000

/**
 * The first answer of `look` that is not undefined: it is asked now, at everything that happens to the guest, and from
 * time to time.
 */
export function whenBlockJob<T>(
  { client, clock }: GuestContext,
  id: InstanceId,
  look: () => Promise<T | undefined>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let cancelTimer: () => void = () => undefined
    let isLooking = false
    let isOver = false
    const settle = (settled: () => void) => {
      isOver = true
      unsubscribe()
      cancelTimer()
      settled()
    }
    const again = () => {
      if (isLooking || isOver) return
      isLooking = true
      cancelTimer()
      void look().then(
        found => {
          isLooking = false
          if (isOver) return
          if (found !== undefined) settle(() => resolve(found))
          else cancelTimer = clock.after(lookAgainMs, again)
        },
        (error: unknown) => settle(() => reject(error as Error)),
      )
    }
    const unsubscribe = client.onEvent(event => {
      if (event.kind === 'reconnected' || event.domain.uuid === id) again()
    })
    again()
  })
}
