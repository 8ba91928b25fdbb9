import { declareFault } from '#base'
import { ComputeHostNotFound, type Instance, isVolume, type RequestSpec } from '#model'
import { isServiceUp } from '#store'
import type { ApiDeps } from '../../deps.ts'

export const NotOffloaded = declareFault(
  'UnshelveInstanceInvalidState',
  'conflict',
  (p: { id: string; state: string }) =>
    `Specifying an availability zone or a host when unshelving server "${p.id}" with status "${p.state}" is not supported. The server status must be SHELVED_OFFLOADED.`,
)
export const ZoneUnavailable = declareFault(
  'InvalidRequest',
  'refused',
  () => 'The requested availability zone is not available',
)
export const HostNotInZone = declareFault(
  'UnshelveHostNotInAZ',
  'conflict',
  (p: { host: string; zone: string }) => `Host "${p.host}" is not in the availability zone "${p.zone}".`,
)

export const VolumesElsewhere = declareFault(
  'MismatchVolumeAZException',
  'conflict',
  (p: { volumeId: string; zone: string; volumeZone: string }) =>
    `The availability zone between the server and its attached volumes do not match: The specified availability zone does not match the volume ${p.volumeId} attached to the server. Specified availability zone is ${p.zone}. Volume is in ${p.volumeZone}..`,
)

/** Where it shall come back. Undefined: nothing is said about it; a zone of null: in any. */
export interface UnshelveWish {
  readonly zone: string | null | undefined
  readonly host: string | undefined
}

/** Zones with a host that takes servers now. */
async function openZones(deps: ApiDeps, zones: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
  const services = await deps.store.services.list({ binary: 'nova-compute' })
  const now = deps.clock.now()
  const open = services.filter(s => !s.isDisabled && isServiceUp(s, now, deps.settings.serviceDownTimeMs))
  return new Set(open.map(({ host }) => zones.get(host) ?? deps.settings.defaultZone))
}

/** The zone must be open, and reach the server's volumes where those do not cross zones. */
async function mustServe(
  deps: ApiDeps,
  instance: Instance,
  zone: string,
  zones: ReadonlyMap<string, string>,
): Promise<void> {
  if (!(await openZones(deps, zones)).has(zone)) throw ZoneUnavailable({})
  if (deps.settings.crossesZonesToAttach) return
  for (const { volumeId } of (await deps.store.blockDevices.of(instance.id)).filter(isVolume)) {
    if (volumeId === null) continue
    const { availabilityZone: volumeZone } = await deps.volumes.get('service', volumeId)
    if (volumeZone !== zone) throw VolumesElsewhere({ volumeId, zone, volumeZone })
  }
}

/**
 * Checks the wish against what there is, in Nova's order, and gives the zone that the server has to be in from now on;
 * null: any.
 */
export async function zoneAfterUnshelve(
  deps: ApiDeps,
  instance: Instance,
  spec: RequestSpec | undefined,
  wish: UnshelveWish,
  insistHost: () => void,
): Promise<string | null> {
  const { zone, host } = wish
  const isAboutPlace = zone !== undefined || host !== undefined
  if (isAboutPlace && instance.vmState !== 'shelved_offloaded')
    throw NotOffloaded({ id: instance.id, state: instance.vmState })
  const zones = await deps.store.aggregates.zones()
  if (zone !== undefined && zone !== null && zone !== '') await mustServe(deps, instance, zone, zones)
  const after = zone === undefined ? (spec?.requestedZone ?? null) : zone
  if (host === undefined || host === '') return after
  insistHost()
  const nodes = await deps.store.computeNodes.list()
  if (!nodes.some(node => node.host === host)) throw ComputeHostNotFound({ host })
  const hostZone = zones.get(host) ?? deps.settings.defaultZone
  if (after !== null && hostZone !== after) throw HostNotInZone({ host, zone: after })
  return after
}
