import type { CallContext, ComputeContract, Handlers } from '#bus'
import { HostHasNoLease } from '#model'
import type { GuestLease } from './guest-lease.ts'

/** Whatever may set a guest going. */
const starting: ReadonlySet<keyof Handlers<ComputeContract>> = new Set([
  'spawn',
  'start',
  'reboot',
  'unpause',
  'resume',
  'rescue',
  'unrescue',
  'rebuild',
  'receiveMove',
  'revertMove',
  'prepareIncoming',
])

type Handler = (args: never, context: CallContext) => Promise<unknown>

/** A host without a lease starts no guest; it may still stop and remove them. */
export function onlyWithLease(
  handlers: Handlers<ComputeContract>,
  host: string,
  lease: GuestLease | undefined,
): Handlers<ComputeContract> {
  if (lease === undefined) return handlers
  const guarded = Object.entries(handlers).map(([name, handler]) => {
    if (!starting.has(name as keyof Handlers<ComputeContract>)) return [name, handler] as const
    const guard = async (args: never, context: CallContext) => {
      if (!lease.isHeld) throw HostHasNoLease({ host })
      return (handler as Handler)(args, context)
    }
    return [name, guard] as const
  })
  return Object.fromEntries(guarded) as unknown as Handlers<ComputeContract>
}
