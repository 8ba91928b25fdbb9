import { int, str } from '#api/kit'
import type { Caller, NetworkView } from '#cloud'
import { isAdmin } from '../servers/find.ts'
import { proxiedNetworks } from './proxied.ts'

const gone = str.nullable()
const adminGone = gone.optional()
const network = {
  id: str,
  label: str,
  cidr: gone,
  netmask: gone,
  gateway: gone,
  broadcast: gone,
  dns1: gone,
  dns2: gone,
  cidr_v6: gone,
  gateway_v6: gone,
  netmask_v6: gone,
  created_at: adminGone,
  updated_at: adminGone,
  deleted_at: adminGone,
  deleted: adminGone,
  injected: adminGone,
  bridge: adminGone,
  vlan: adminGone,
  vpn_public_address: adminGone,
  vpn_public_port: int.nullable().optional(),
  vpn_private_address: adminGone,
  dhcp_start: adminGone,
  project_id: adminGone,
  host: adminGone,
  bridge_interface: adminGone,
  multi_host: adminGone,
  priority: adminGone,
  rxtx_base: adminGone,
  mtu: int.nullable().optional(),
  dhcp_server: adminGone,
  enable_dhcp: adminGone,
  share_address: adminGone,
}

/** What nova-network told everybody; since it is gone only the id and the name have a value. */
const empty = {
  cidr: null,
  netmask: null,
  gateway: null,
  broadcast: null,
  dns1: null,
  dns2: null,
  cidr_v6: null,
  gateway_v6: null,
  netmask_v6: null,
}
const emptyForAdmins = {
  created_at: null,
  updated_at: null,
  deleted_at: null,
  deleted: null,
  injected: null,
  bridge: null,
  vlan: null,
  vpn_public_address: null,
  vpn_public_port: null,
  vpn_private_address: null,
  dhcp_start: null,
  project_id: null,
  host: null,
  bridge_interface: null,
  multi_host: null,
  priority: null,
  rxtx_base: null,
  mtu: null,
  dhcp_server: null,
  enable_dhcp: null,
  share_address: null,
}

const view = ({ id, name }: NetworkView, caller: Caller) => ({
  id,
  label: name,
  ...empty,
  ...(isAdmin(caller) ? emptyForAdmins : {}),
})

/** The networks that the caller sees, by proxy. */
export const networks = proxiedNetworks('/os-networks', network, view)
