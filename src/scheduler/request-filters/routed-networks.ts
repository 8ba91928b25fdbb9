import type { NetworkPort, PlacementPort } from '#cloud'
import type { RequestSpec } from '#model'

/** A subnet that the server has an address on, or a network on any subnet of which it will get one. */
export interface Piece {
  readonly kind: 'subnet' | 'network'
  readonly id: string
}

/** Where the networks of a request are. */
export interface RoutedNetworks {
  /** None: the network is everywhere. */
  segmentsOf(piece: Piece): readonly string[]
  aggregatesOf(segmentId: string): readonly string[]
}

export interface RoutedDeps {
  readonly network: Pick<NetworkPort, 'subnets' | 'subnetsOfNetwork'>
  readonly placement: Pick<PlacementPort, 'aggregates'>
}

/** Ports with an address by their subnet, all others by their network. */
export function piecesOf({ ports = [], networkIds }: Pick<RequestSpec, 'ports' | 'networkIds'>): readonly Piece[] {
  const pieces = ports.map(
    ({ subnetId, networkId }): Piece =>
      subnetId === null ? { kind: 'network', id: networkId } : { kind: 'subnet', id: subnetId },
  )
  const ofPorts = ports.map(port => port.networkId)
  for (const id of networkIds) {
    const at = ofPorts.indexOf(id)
    if (at < 0) pieces.push({ kind: 'network', id })
    else ofPorts.splice(at, 1)
  }
  return pieces
}

/** Asks the network for the segments of the request's networks, and placement for the hosts that are on them. */
export async function routedNetworks({ network, placement }: RoutedDeps, spec: RequestSpec): Promise<RoutedNetworks> {
  const pieces = piecesOf(spec)
  const subnetIds = [...new Set(pieces.filter(({ kind }) => kind === 'subnet').map(({ id }) => id))]
  const subnets = subnetIds.length === 0 ? [] : await network.subnets('service', subnetIds)
  const segments = new Map(subnets.map(({ id, segmentId }) => [`subnet ${id}`, segmentId === null ? [] : [segmentId]]))
  for (const { kind, id } of pieces) {
    if (kind === 'subnet' || segments.has(`network ${id}`)) continue
    const found = (await network.subnetsOfNetwork('service', id)).flatMap(({ segmentId }) => segmentId ?? [])
    segments.set(`network ${id}`, [...new Set(found)])
  }
  const aggregates = new Map<string, readonly string[]>()
  for (const id of new Set([...segments.values()].flat())) aggregates.set(id, await placement.aggregates(id))
  return {
    segmentsOf: ({ kind, id }) => segments.get(`${kind} ${id}`) ?? [],
    aggregatesOf: id => aggregates.get(id) ?? [],
  }
}
