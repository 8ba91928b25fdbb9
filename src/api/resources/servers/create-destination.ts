import type { RequestSpec } from '#model'
import { gathered } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { BadServerRequest } from './create-faults.ts'

interface Wish {
  readonly zone: string | undefined
  readonly host: string | undefined
  readonly node: string | undefined
}

interface Place {
  readonly requestedZone: string | null
  readonly destination: RequestSpec['destination']
}

/** Zones that hosts are in, with the default one. */
async function knownZones(deps: ApiDeps): Promise<ReadonlySet<string>> {
  return new Set([...(await deps.store.aggregates.zones()).values(), deps.settings.defaultZone])
}

/**
 * Where the server should go: a zone, `zone:host:node` (forced, for administrators), or the host and hypervisor of 2.74
 * (the scheduler still checks them).
 */
export async function placeFor(deps: ApiDeps, wish: Wish, insist: (rule: string) => void): Promise<Place> {
  const asked = wish.zone ?? deps.settings.defaultScheduleZone ?? undefined
  const [zone = '', forcedHost = '', forcedNode = '', ...more] = (asked ?? '').split(':')
  const isForced = asked?.includes(':') === true
  if (more.length > 0 || (isForced && forcedHost === '' && forcedNode === '')) {
    throw BadServerRequest({ text: 'Unable to parse availability_zone: the form is zone:host:node.' })
  }
  const wantsHost = wish.host !== undefined || wish.node !== undefined
  if (isForced && wantsHost) {
    throw BadServerRequest({
      text: 'Specifying az in AZ:HOST:NODE format is not supported with specifying host and/or hypervisor_hostname.',
    })
  }
  if (zone !== '' && !(await knownZones(deps)).has(zone))
    throw BadServerRequest({ text: 'The requested availability zone is not available' })
  const requestedZone = zone === '' ? null : zone
  if (isForced) {
    insist('os_compute_api:servers:create:forced_host')
    return { requestedZone, destination: { host: forcedHost || null, node: forcedNode || null, isForced: true } }
  }
  if (!wantsHost) return { requestedZone, destination: null }
  insist('compute:servers:create:requested_destination')
  await mustExist(deps, wish)
  return { requestedZone, destination: { host: wish.host ?? null, node: wish.node ?? null, isForced: false } }
}

async function mustExist(deps: ApiDeps, { host, node }: Wish): Promise<void> {
  const nodes = (await gathered(deps, ({ store }) => store.computeNodes.list())).flat()
  const matches = nodes.some(
    n => (host === undefined || n.host === host) && (node === undefined || n.description.hypervisorHostname === node),
  )
  if (!matches) throw BadServerRequest({ text: `Compute host ${host ?? node} could not be found.` })
}
