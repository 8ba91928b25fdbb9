import type { ComputeContract, Handlers } from '#bus'
import { type GuestSpec, HypervisorError, power, type VirtDriver } from '#virt'

/** Whether the guest has a process, or may have one: when nobody can say, its shares stay. */
async function isOff(driver: VirtDriver, spec: GuestSpec): Promise<boolean> {
  try {
    const { exists, power: now } = await driver.guest(spec.id).state()
    return !exists || now === power.shutdown || now === power.crashed
  } catch {
    return false
  }
}

/**
 * A start of any kind, with the shares of the spec mounted before and those of an earlier start gone afterwards. A guest
 * that does not come up leaves nothing mounted.
 */
export async function withShares<T>(driver: VirtDriver, spec: GuestSpec, work: () => Promise<T>): Promise<T> {
  const { shares } = driver
  const wanted = spec.shares ?? []
  if (shares === undefined) {
    if (wanted.length > 0)
      throw HypervisorError({ operation: 'start', reason: 'this hypervisor cannot give shares to guests' })
    return work()
  }
  try {
    for (const share of wanted) await shares.mount(spec.id, share)
    const result = await work()
    await shares.unmount(
      spec.id,
      wanted.map(share => share.id),
    )
    return result
  } catch (error) {
    // What went wrong first is what the caller must know; a later stop or start tries the rest again.
    if (wanted.length > 0 && (await isOff(driver, spec))) await shares.unmount(spec.id, []).catch(() => undefined)
    throw error
  }
}

export const shareHandlers = (
  driver: VirtDriver,
  address: string | undefined,
): Pick<Handlers<ComputeContract>, 'shareConnector'> => ({
  shareConnector: async () => {
    if (driver.shares === undefined || address === undefined)
      throw HypervisorError({ operation: 'shares', reason: 'this hypervisor cannot give shares to guests' })
    return { address }
  },
})
