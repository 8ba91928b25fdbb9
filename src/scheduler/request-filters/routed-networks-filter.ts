import type { RequestFilter } from './request-filter.ts'
import { type Piece, piecesOf } from './routed-networks.ts'

const nameOf = ({ kind, id }: Piece): string => `the ${kind} ${id}`

/** A network that is routed between its segments has the guest's addresses on some hosts only. */
export const routedNetworksFilter: RequestFilter = {
  name: 'routed_networks_filter',
  apply({ spec, options, routed }) {
    if (!options.scheduler.query_placement_for_routed_network_aggregates || routed === undefined) return null
    const memberOfAll: (readonly string[])[] = []
    const told: string[] = []
    for (const piece of piecesOf(spec)) {
      const segments = routed.segmentsOf(piece)
      if (segments.length === 0) continue
      const aggregates = segments.map(id => routed.aggregatesOf(id))
      if (aggregates.some(ids => ids.length === 0)) return { refuses: `Aggregates not found for ${nameOf(piece)}` }
      memberOfAll.push(aggregates.flat())
      told.push(nameOf(piece))
    }
    if (told.length === 0) return { says: 'no network is routed between segments' }
    return { says: `where the segments of ${told.join(', ')} are`, change: { memberOfAll } }
  },
}
