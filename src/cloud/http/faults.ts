import { declareFault, Fault, type FaultKind } from '#base'

/** Nobody answers, or the answer is that it is not ready. The detail says where and why; users see which service. */
export const NeighbourUnavailable = declareFault(
  'NeighbourUnavailable',
  'transient',
  (p: { service: string }) => `The ${p.service} service is temporarily unavailable.`,
)
/** The neighbour broke over this request. */
export const NeighbourFailed = declareFault(
  'NeighbourFailed',
  'final',
  (p: { service: string; status: number }) => `The ${p.service} service failed with status ${p.status}.`,
)
/** Keystone does not know the user that nova.conf names, or the neighbour does not trust its token. */
export const ServiceCredentialsRefused = declareFault(
  'ServiceCredentialsRefused',
  'final',
  (p: { service: string; who: string }) => `The ${p.service} service refused the credentials of ${p.who}.`,
)
export const EndpointMissing = declareFault(
  'EndpointNotFound',
  'final',
  (p: { serviceType: string; interfaces: string; region: string }) =>
    `No ${p.interfaces} endpoint for ${p.serviceType} service in ${p.region} found in the catalog.`,
)

const kinds: Readonly<Record<number, FaultKind>> = {
  404: 'missing',
  409: 'conflict',
  412: 'conflict',
  429: 'transient',
}

/** A refusal that no port has a word for: the neighbour's own code and sentence. */
export const refusal = (status: number, code: string, message: string, detail?: string): Fault =>
  new Fault({ code, kind: kinds[status] ?? 'refused', status }, message, {}, detail === undefined ? {} : { detail })
