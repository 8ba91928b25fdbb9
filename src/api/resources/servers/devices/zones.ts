import type { ApiDeps } from '../../../deps.ts'
import { ZonesDiffer } from './faults.ts'

/**
 * The zone of a server whose volumes must be in it, where the operator says so (`cross_az_attach`). A server that may be
 * anywhere goes where its volumes are, unless that is the zone in which everything is that is in no zone.
 */
export function zoneWithVolumes(
  { settings }: ApiDeps,
  requested: string | null,
  volumeZones: readonly string[],
): string | null {
  const [zone] = volumeZones
  if (settings.mixesZones || zone === undefined) return requested
  if (volumeZones.some(other => other !== zone))
    throw ZonesDiffer({ reason: `Volumes are in different availability zones: ${volumeZones.join(',')}` })
  if (requested === null) return zone === settings.defaultZone ? null : zone
  if (requested !== zone) {
    const where = `Server is in: ${requested}. Volumes are in: ${zone}`
    throw ZonesDiffer({ reason: `Server and volumes are not in the same availability zone. ${where}` })
  }
  return requested
}
