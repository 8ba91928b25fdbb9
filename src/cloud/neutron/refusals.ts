import { declareFault, Fault } from '#base'

/** Neutron's refusals by status, in its own words: what proxies pass on to whoever asked. */

type Words = { message: string }
const words = (p: Words): string => p.message

export const NetworkBadRequest = declareFault('NetworkBadRequest', 'refused', words)
export const NetworkForbidden = declareFault('NetworkForbidden', 'refused', words, 403)
export const NetworkMissing = declareFault('NetworkMissing', 'missing', words)
export const NetworkConflict = declareFault('NetworkConflict', 'conflict', words)
export const NetworkOverQuota = declareFault('NetworkOverQuota', 'conflict', words)
export const NetworkExhausted = declareFault('NetworkExhausted', 'conflict', words)

const byCode = new Map([
  ['OverQuota', NetworkOverQuota],
  ['IpAddressGenerationFailure', NetworkExhausted],
  ['ExternalIpAddressExhausted', NetworkExhausted],
])
const byStatus = new Map([
  [400, NetworkBadRequest],
  [403, NetworkForbidden],
  [404, NetworkMissing],
  [409, NetworkConflict],
])

/** The work's outcome, its refusals told by kind; what is no refusal stays what it is. */
export async function inNetworksWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const declared = error instanceof Fault ? (byCode.get(error.code) ?? byStatus.get(error.status)) : undefined
    if (declared === undefined) throw error
    throw declared({ message: (error as Fault).message }, { cause: error })
  }
}
