import { GuestNotFound } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { hostClient } from './hosts.ts'

const doomed: readonly (string | null)[] = ['deleting', 'soft-deleting']

/**
 * Before a device is taken back from a guest that is about to be deleted: it is switched off. One without a system, or with
 * one that hangs, never lets go of a device while it runs, and its delete would wait for ever.
 */
export async function stopDoomed(d: ConductorDeps, host: string, id: string, key: string): Promise<void> {
  const instance = await d.store.instances.find(id)
  if (instance === undefined || !doomed.includes(instance.taskState)) return
  try {
    await hostClient(d, host).stop({ id, gracefulMs: 0 }, { key: `${key}:stop` })
  } catch (error) {
    // One that is not there is off.
    if (!GuestNotFound.is(error)) throw error
  }
}
