import { grantOf, type HostDemand, type HostOccupancy, isPlain, type PciDevice, pciProviderId } from '#model'
import type { ClaimWish } from '#store'
import type { LostAnswer } from './placing.ts'
import type { Attempt } from './select.ts'

/** Where CPUs, memory nodes and devices of hosts are claimed; the text says why there was nothing to claim. */
export interface HostClaimer {
  claim(wish: ClaimWish): Promise<string | undefined>
  release(consumerId: string): Promise<void>
}

const refusedBy = (reason: string): LostAnswer => ({ filter: 'HostClaim', reason })

/** The operator has said which CPUs are for guests that pin: those are counted apart, and nobody else's. */
const isSplit = ({ topology }: HostOccupancy): boolean =>
  topology?.cells.some(cell => cell.dedicatedCpus.some(cpu => !cell.sharedCpus.includes(cpu))) === true

/** What the snapshot shows already needs no claim: the host has not what the request names. */
export function lacking({ host, request }: Attempt, demand: HostDemand): LostAnswer | undefined {
  if (isPlain(demand) || host.occupancy === undefined) return undefined
  const isOwn = demand.numa?.cpuPolicy === 'dedicated' || demand.numa?.cpuPolicy === 'mixed'
  const amounts = Object.values(request.allocations)
  if (isOwn && isSplit(host.occupancy) && !amounts.some(amount => (amount['PCPU'] ?? 0) > 0))
    return refusedBy('its CPUs for pinned guests are PCPU, of which placement has none left for the request')
  const named = demand.pci.map(
    ({ id }) =>
      [
        id,
        Object.entries(request.mappings).flatMap(([suffix, ids]) => (suffix.startsWith(`${id}-`) ? ids : [])),
      ] as const,
  )
  const providers = Object.fromEntries(named.filter(([, ids]) => ids.length > 0))
  const answer = grantOf(host.occupancy, demand, {
    providerOf: (device: PciDevice) => pciProviderId(host.nodeId, device),
    ...(Object.keys(providers).length === 0 ? {} : { providers }),
  })
  return 'refusal' in answer ? refusedBy(answer.refusal) : undefined
}

/** After placement's claim: what the instance gets of the host by name. */
export async function claimOfHost(
  claimer: HostClaimer | undefined,
  { instanceId, host, request }: Attempt,
  demand: HostDemand,
): Promise<true | LostAnswer> {
  if (claimer === undefined || isPlain(demand)) return true
  const { nodeId } = host
  const { mappings } = request
  const refusal = await claimer.claim({ consumerId: instanceId, instanceId, nodeId, demand, mappings, isFinal: false })
  return refusal === undefined ? true : refusedBy(refusal)
}
