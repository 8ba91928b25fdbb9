import { instanceId, type Log } from '#base'
import type { ComputeContract, Handlers } from '#bus'
import type { GuestRecord, GuestSpec, VirtDriver } from '#virt'

/** After these the guest may have other devices, or the same at other addresses. */
const changing = [
  'spawn',
  'start',
  'reboot',
  'rebuild',
  'resume',
  'unrescue',
  'attachVif',
  'detachVif',
  'attachVolume',
  'detachVolume',
] as const

type Told = (id: string, record: GuestRecord) => Promise<unknown>
interface About {
  readonly id?: string
  readonly spec?: GuestSpec
}

/**
 * The same handlers, but what a change has made of the guest is told afterwards. A change is done whether or not that
 * comes through; the next one tells again.
 */
export function recording(
  handlers: Handlers<ComputeContract>,
  driver: VirtDriver,
  tell: Told,
  log: Log,
): Handlers<ComputeContract> {
  const { records } = driver
  if (records === undefined) return handlers
  const report = async ({ id, spec }: About): Promise<void> => {
    const guest = spec?.id ?? id
    if (guest === undefined) return
    try {
      const record = await records.of(instanceId(guest), spec)
      if (record !== undefined) await tell(guest, record)
    } catch (error) {
      log.warn({ instance_id: guest, err: error }, 'what became of the guest could not be told')
    }
  }
  const wrapped = changing.map(name => {
    const handle = handlers[name] as (args: About, context: never) => Promise<unknown>
    return [
      name,
      async (args: About, context: never) => {
        const result = await handle(args, context)
        await report(args)
        return result
      },
    ]
  })
  return { ...handlers, ...(Object.fromEntries(wrapped) as Partial<Handlers<ComputeContract>>) }
}
