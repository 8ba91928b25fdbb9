import { str } from '#api/kit'
import { proxiedNetworks } from '../networks/proxied.ts'

/** Without nova-network the address range is the word None: that is what clients have been told ever since. */
export const tenantNetworks = proxiedNetworks(
  '/os-tenant-networks',
  { id: str, cidr: str, label: str },
  ({ id, name }) => ({ id, cidr: 'None', label: name }),
)
