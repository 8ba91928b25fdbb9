import { isoMicros } from '#base'
import { isServiceUp, type Service } from '#store'
import type { ApiDeps, ApiSettings } from '../../deps.ts'

/** Daemons that answer HTTP: they do not report and are in no list. */
const apiBinaries = new Set(['nova-osapi_compute', 'nova-metadata'])
export const isListed = (service: Service): boolean => !apiBinaries.has(service.binary)

/** The zone a service is shown in: its host's for nova-compute, the internal one for all others. */
export const zoneOfService = (settings: ApiSettings, zones: ReadonlyMap<string, string>, service: Service): string =>
  service.topic === 'compute' ? (zones.get(service.host) ?? settings.defaultZone) : settings.internalZone

/** Nova keeps one time for the last heartbeat and the last change by an operator. */
export const updatedAt = (service: Service): string =>
  isoMicros(Math.max(service.lastSeenAtMs, service.updatedAtMs ?? service.lastSeenAtMs))

export const isUp = (deps: ApiDeps, service: Service): boolean =>
  isServiceUp(service, deps.clock.now(), deps.settings.serviceDownTimeMs)

export const stateOf = (deps: ApiDeps, service: Service): 'up' | 'down' => (isUp(deps, service) ? 'up' : 'down')
export const statusOf = (service: Service): 'enabled' | 'disabled' => (service.isDisabled ? 'disabled' : 'enabled')

export const serviceView = (
  deps: ApiDeps,
  service: Service,
  zones: ReadonlyMap<string, string>,
  namesByUuid: boolean,
) => ({
  binary: service.binary,
  host: service.host,
  id: namesByUuid ? service.uuid : service.number,
  zone: zoneOfService(deps.settings, zones, service),
  status: statusOf(service),
  state: stateOf(deps, service),
  updated_at: updatedAt(service),
  disabled_reason: service.disabledReason,
  forced_down: service.isForcedDown,
})
