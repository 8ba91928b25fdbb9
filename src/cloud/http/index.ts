/**
 * How the adapters speak to real services: pooled HTTP with deadlines and safe repeats, our own token and its catalogue,
 * request ids. Used by the `http.ts` of each service; `bin` and `allinone` make the clients and sessions.
 */
export { HttpClient, type HttpOptions, type Tls } from './client.ts'
export { isBefore, type Microversion, newestMicroversion } from './discovery.ts'
export { EndpointMissing, NeighbourFailed, NeighbourUnavailable, ServiceCredentialsRefused } from './faults.ts'
export { currentRequestId, withRequestId } from './request-id.ts'
export type { ServiceOptions } from './service-client.ts'
export { type Credentials, type EndpointChoice, Session } from './session.ts'
