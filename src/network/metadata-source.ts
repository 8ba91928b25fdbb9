import { canonicalAddress } from './addresses.ts'
import type { Place } from './plumbing/doors.ts'
import type { Db } from './store/open.ts'

/** Whose guest is on the other end of a connection to the metadata service. */
export interface MetadataClient {
  readonly portId: string
  readonly deviceId: string
  readonly projectId: string
  readonly networkId: string
}

export interface MetadataSource {
  /** By where the guest asked, and from which address; undefined: nobody we know there. */
  lookup(place: Place, remoteAddress: string): Promise<MetadataClient | undefined>
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.5`. */
const plain = (address: string): string | undefined => canonicalAddress(address.replace(/^::ffff:(?=\d+\.)/i, ''))

const networksOf = (db: Db, { id }: Place) =>
  db
    .selectFrom('routerInterfaces')
    .innerJoin('ports', 'ports.id', 'routerInterfaces.portId')
    .select('ports.networkId')
    .where('routerInterfaces.routerId', '=', id)

/**
 * Within a network, and among the networks of a router, an address is one port's; and a guest cannot send from an address
 * that is not its port's.
 */
export function createMetadataSource(db: Db): MetadataSource {
  return {
    async lookup(place, remoteAddress) {
      const remote = plain(remoteAddress)
      if (remote === undefined) return undefined
      const query = db
        .selectFrom('fixedIps')
        .innerJoin('ports', 'ports.id', 'fixedIps.portId')
        .select(['ports.id as portId', 'ports.deviceId', 'ports.projectId', 'ports.networkId'])
        .where('fixedIps.address', '=', remote)
        .where('ports.vifType', '=', 'bridge')
        .where('ports.bindingHost', '!=', '')
        .where('ports.deviceOwner', 'not like', 'network:%')
      const rows = await (place.kind === 'network'
        ? query.where('fixedIps.networkId', '=', place.id)
        : query.where('fixedIps.networkId', 'in', networksOf(db, place))
      ).execute()
      const [only, more] = rows
      return only === undefined || more !== undefined ? undefined : { ...only }
    },
  }
}
