/**
 * What Nova needs of its neighbours, in its own words: one `port.ts` per service. `http.ts` beside it speaks to the
 * real service; the built-in services implement the same ports in process. Called by the API, the sagas and the hosts.
 */
export * from './glance/port.ts'
export * from './keystone/port.ts'
export * from './neutron/port.ts'
export * from './placement/port.ts'
