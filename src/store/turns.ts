/**
 * What transactions decide about by what they read; see `Store.turn`. Whoever needs several takes them in this order, so that
 * nobody waits for somebody who waits for him.
 */
export const turnOf = {
  /** Which nova-cells carries out a request of another cell. */
  farRequest: (id: string) => `far request ${id}`,
  /** Its sagas, its shares and tags, its metadata, the names of its disks: all that is accepted for it. */
  server: (id: string) => `server ${id}`,
  /** What a project has, against its quota. */
  usage: (projectId: string) => `api: usage of ${projectId}`,
  /** Which server has a volume that only one may have. */
  volume: (id: string) => `volume ${id}`,
  /** Members of a server group, and where they are. */
  group: (id: string) => `api: group ${id}`,
  /** Whether and how a host is fenced. */
  fence: (host: string) => `fence of ${host}`,
  keypairs: (userId: string) => `api: key pairs of ${userId}`,
  flavor: (id: string) => `api: flavor ${id}`,
  /** Names, hosts and zones of all aggregates. */
  aggregates: () => 'api: aggregates',
} as const

/** Turns about what is the API's: they are taken in its database, whichever cell the transaction is in. */
export const isOfApi = (name: string): boolean => name.startsWith('api: ')
