import type { ComputeContract, Handlers } from '#bus'
import type { VirtDriver } from '#virt'

type Order = Parameters<Handlers<ComputeContract>['machine']>[0]['action']

/** What an operator has the host itself do. */
export async function operate({ machine }: VirtDriver, order: Order): Promise<{ isSupported: boolean }> {
  if (machine === undefined) return { isSupported: false }
  if (order === 'on_maintenance' || order === 'off_maintenance') await machine.maintain(order === 'on_maintenance')
  else await machine.act(order)
  return { isSupported: true }
}
