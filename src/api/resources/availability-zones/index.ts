import { keyed, list, nil, obj, operation, query, reply, resource, since, str, strictBool } from '#api/kit'
import type { Service } from '#store'
import { gathered } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { isListed, isUp, updatedAt, zoneOfService } from '../services/view.ts'

interface Zone {
  readonly name: string
  /** A zone all of whose services are disabled is not available. */
  readonly isAvailable: boolean
  readonly enabled: readonly Service[]
}

/** Zones exist because services are in them; available ones first, each group by name. */
async function zonesOf(deps: ApiDeps): Promise<readonly Zone[]> {
  const byHost = await deps.store.aggregates.zones()
  const services = (await gathered(deps, ({ store }) => store.services.list())).flat()
  const byZone = Map.groupBy(services, service => zoneOfService(deps.settings, byHost, service))
  const zones = [...byZone].map(([name, members]): Zone => {
    const enabled = members.filter(service => !service.isDisabled)
    return { name, isAvailable: enabled.length > 0, enabled }
  })
  const rank = (zone: Zone): string => `${zone.isAvailable ? 0 : 1}${zone.name}`
  return zones.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

function hostsOf(deps: ApiDeps, zone: Zone) {
  const hosts: Record<string, Record<string, { available: boolean; active: boolean; updated_at: string }>> = {}
  for (const service of zone.enabled.filter(isListed)) {
    const host = (hosts[service.host] ??= {})
    host[service.binary] = { available: isUp(deps, service), active: true, updated_at: updatedAt(service) }
  }
  return hosts
}

const op = operation<ApiDeps>()
const noQuery = query({}, { strict: since('2.102') })
const zoneState = obj({ available: strictBool })
const serviceState = obj({ available: strictBool, active: strictBool, updated_at: str.nullable() })
const hosts = keyed({ '^.+$': keyed({ '^.+$': serviceState }) }).nullable()

/** Where users may ask for servers to be; made of host aggregates with the metadata `availability_zone`. */
export const availabilityZones = resource('/os-availability-zone', {
  'GET /': op({
    policy: 'os_compute_api:os-availability-zone:list',
    query: noQuery,
    reply: reply('availabilityZoneInfo', list(obj({ zoneName: str, zoneState, hosts: nil }))),
    async handle({ allow }, deps) {
      allow()
      const zones = (await zonesOf(deps)).filter(zone => zone.name !== deps.settings.internalZone)
      return zones.map(zone => ({ zoneName: zone.name, zoneState: { available: zone.isAvailable }, hosts: null }))
    },
  }),

  'GET /detail': op({
    policy: 'os_compute_api:os-availability-zone:detail',
    query: noQuery,
    reply: reply('availabilityZoneInfo', list(obj({ zoneName: str, zoneState, hosts }))),
    async handle({ allow }, deps) {
      allow()
      return (await zonesOf(deps)).map(zone => ({
        zoneName: zone.name,
        zoneState: { available: zone.isAvailable },
        hosts: zone.isAvailable ? hostsOf(deps, zone) : null,
      }))
    },
  }),
})
