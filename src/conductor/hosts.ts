import { type Client, type ComputeContract, computeContract } from '#bus'
import { isServiceUp } from '#store'
import type { ConductorDeps } from './deps.ts'

export const hostClient = (deps: ConductorDeps, host: string): Client<ComputeContract> =>
  deps.bus.client(computeContract, host)

/** Whether the host's nova-compute is there: its row exists, is not forced down and was heard of lately. */
export async function isHostUp(deps: ConductorDeps, host: string): Promise<boolean> {
  const service = await deps.store.services.find(host, 'nova-compute')
  return service !== undefined && isServiceUp(service, deps.clock.now(), deps.options.serviceDownTimeMs)
}

/**
 * The answer of a call, or the signal's reason as soon as it aborts. The call itself goes on: whoever aborts then undoes
 * it, and the host puts the two in order.
 */
export function unlessAborted<T>(signal: AbortSignal, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    call.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * Removes the guest, unless its host is down: a nova-compute that comes back removes guests whose records are gone or
 * live elsewhere, so nobody has to wait for it.
 */
export async function destroyGuest(deps: ConductorDeps, host: string, id: string, key: string): Promise<void> {
  try {
    await hostClient(deps, host).destroy({ id }, { key })
  } catch (error) {
    if (await isHostUp(deps, host)) throw error
    deps.log.warn({ instance_id: id, host, err: error }, 'host is down; it removes the guest when it is back')
  }
}
