/**
 * What Nova needs of its neighbours, in its own words: one `port.ts` per service. `http.ts` beside it speaks to the
 * real service; the built-in services implement the same ports in process. Called by the API, the sagas and the hosts.
 */

export { cinderPort } from './cinder/http.ts'
export * from './cinder/port.ts'
export { type CinderRefusal, cinderFault } from './cinder/refusals.ts'
export { glancePort } from './glance/http.ts'
export { instanceImageOf } from './glance/instance-image.ts'
export * from './glance/port.ts'
export { filtersOf, patchOf, wireOfNew } from './glance/wire.ts'
export * from './http/index.ts'
export { ironicPort } from './ironic/http.ts'
export * from './ironic/port.ts'
export { fileKeys } from './keys/file.ts'
export * from './keys/port.ts'
export { type KeystoneOptions, keystonePort } from './keystone/http.ts'
export * from './keystone/port.ts'
export { manilaPort } from './manila/http.ts'
export * from './manila/port.ts'
export { type NeutronOptions, neutronPort } from './neutron/http.ts'
export * from './neutron/port.ts'
export * from './neutron/refusals.ts'
export { requestedPort } from './neutron/requested-port.ts'
export { type PlacementHttpOptions, placementPort } from './placement/http.ts'
export * from './placement/port.ts'
export { providerNames } from './placement/provider-names.ts'
export { candidateParams } from './placement/query.ts'
