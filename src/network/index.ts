/**
 * The built-in network of a one-machine cloud: owns networks, subnets, ports, security groups, routers, floating addresses and
 * their enforcement on this host (bridges, namespaces, dnsmasq, nftables), in a store of its own. Promises the public Neutron v2.0 API to clients, and
 * the ports of `#cloud` to Nova in process; what the API says is what the host does. Called by `allinone`, and by
 * `bin/nova-dhcpbridge` for dnsmasq's news.
 */
export { type CapacitySection, capacityOf } from './capacity/options.ts'
export { type AgentCapacity, bridgeAgent, cardAgent, networkCapacity } from './capacity/providers.ts'
export type { DefaultNetwork } from './default-network.ts'
export type { MetadataClient, MetadataSource } from './metadata-source.ts'
export { networkPackages } from './packages.ts'
export { PortBindingFailed } from './plugger.ts'
export { PlumbingFailed } from './plumbing/commands.ts'
export { dhcpBridge } from './plumbing/dhcp-bridge.ts'
export type { OnConnection, Place } from './plumbing/doors.ts'
export type { HostPlace } from './plumbing/other-hosts.ts'
export type { PlumberOptions } from './plumbing/parts.ts'
export { createPlumber, type Plumber } from './plumbing/plumber.ts'
export type { PublicNetwork } from './public-network.ts'
export { dismantleNetwork, isOnMachine } from './remains.ts'
export { createNetworkService, type NetworkService, type NetworkServiceOptions } from './service.ts'
