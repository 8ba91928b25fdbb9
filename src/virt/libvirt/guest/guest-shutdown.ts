import type { InstanceId } from '#base'
import { statusOf } from '../daemon/daemon-calls.ts'
import type { GuestContext } from './guest-context.ts'
import { type DomainStatus, hasProcess } from './power.ts'

/** True once the guest has no process any more, false when the time is over first. */
export const whenOff = (context: GuestContext, id: InstanceId, withinMs: number): Promise<boolean> =>
  whenStatus(context, id, withinMs, status => status === undefined || !hasProcess(status))

/**
 * True once the state of the guest is as wanted, false when the time is over first. Waits for libvirt's event, not by
 * polling.
 */
export function whenStatus(
  context: GuestContext,
  id: InstanceId,
  withinMs: number,
  isWanted: (status: DomainStatus | undefined) => boolean,
): Promise<boolean> {
  const { client, clock, events } = context
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      unsubscribe()
      cancelTimer()
      settled()
    }
    const look = () =>
      void statusOf(client, id).then(
        status => {
          if (isWanted(status)) settle(() => resolve(true))
        },
        (error: unknown) => settle(() => reject(error as Error)),
      )
    const unsubscribe = events.on(event => {
      if (event.id === id) look()
    })
    const cancelTimer = clock.after(withinMs, () => settle(() => resolve(false)))
    look()
  })
}
