import type { RequestFilter } from './request-filter.ts'

/** The requested availability zone becomes its aggregates. */
export const mapAzToPlacementAggregate: RequestFilter = {
  name: 'map_az_to_placement_aggregate',
  apply({ spec: { requestedZone }, aggregates }) {
    if (requestedZone === null || requestedZone === '') return null
    const zone = aggregates.filter(({ metadata }) => metadata['availability_zone'] === requestedZone)
    // The API has checked the zone; the default zone has no aggregate and so sets no bound, as in Nova.
    if (zone.length === 0) return { says: `no aggregate has the zone ${requestedZone}: any host` }
    const names = zone.map(aggregate => aggregate.name).join(', ')
    return { says: `zone ${requestedZone}: aggregates ${names}`, change: { memberOfAny: zone.map(({ uuid }) => uuid) } }
  },
}
