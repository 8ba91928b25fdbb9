import { canonicalAddress } from './addresses.ts'
import type { Db } from './store/open.ts'

/** Whose guest is on the other end of a connection to the metadata service. */
export interface MetadataClient {
  readonly portId: string
  readonly deviceId: string
  readonly projectId: string
  readonly networkId: string
}

export interface MetadataConnection {
  /** The address the connection arrived at: the gateway of the guest's network, unless the listener has its own. */
  readonly localAddress: string
  readonly localPort?: number
  readonly remoteAddress: string
}

export interface MetadataSource {
  /** Undefined: nobody we know, or an address of another network than the one it arrived from. */
  lookupByAddress(connection: MetadataConnection): Promise<MetadataClient | undefined>
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.5`. */
const plain = (address: string): string | undefined => canonicalAddress(address.replace(/^::ffff:(?=\d+\.)/i, ''))

/**
 * Networks carried by one host never overlap (binding refuses that), and a guest cannot send from an address that is not
 * its port's; so the remote address names the port. Arriving at some network's gateway must agree with it.
 */
export function createMetadataSource(db: Db): MetadataSource {
  return {
    async lookupByAddress({ localAddress, remoteAddress }) {
      const [local, remote] = [plain(localAddress), plain(remoteAddress)]
      if (local === undefined || remote === undefined) return undefined
      const rows = await db
        .selectFrom('fixedIps')
        .innerJoin('ports', 'ports.id', 'fixedIps.portId')
        .select(['ports.id as portId', 'ports.deviceId', 'ports.projectId', 'ports.networkId'])
        .where('fixedIps.address', '=', remote)
        .where('ports.vifType', '=', 'bridge')
        .where('ports.bindingHost', '!=', '')
        .where('ports.deviceOwner', 'not like', 'network:%')
        .execute()
      const gateways = await gatewayNetworks(db, local)
      const matching = gateways.length === 0 ? rows : rows.filter(row => gateways.includes(row.networkId))
      const [only, more] = matching
      return only === undefined || more !== undefined ? undefined : { ...only }
    },
  }
}

/** Networks on whose bridge this host has that address. */
async function gatewayNetworks(db: Db, address: string): Promise<readonly string[]> {
  const gateways = await db.selectFrom('subnets').select('networkId').where('gatewayIp', '=', address).execute()
  const servers = await db
    .selectFrom('fixedIps')
    .innerJoin('ports', 'ports.id', 'fixedIps.portId')
    .select('ports.networkId')
    .where('fixedIps.address', '=', address)
    .where('ports.deviceOwner', '=', 'network:dhcp')
    .execute()
  return [...gateways, ...servers].map(row => row.networkId)
}
