/** What a server knows of its interfaces: the cache behind `addresses`, kept with the instance. */
export interface VifAddress {
  readonly address: string
  readonly version: 4 | 6
  readonly floatingIps: readonly string[]
}

export interface VifSubnet {
  readonly id: string
  readonly cidr: string
  readonly version: 4 | 6
  readonly gateway: string | null
  readonly dns: readonly string[]
  readonly routes: readonly { destination: string; nexthop: string }[]
  readonly dhcpServer: string | null
  readonly ips: readonly VifAddress[]
}

/** Ports of these kinds are a function of a card, which the guest or a tap of its own has to itself. */
export const sriovVnicTypes: readonly string[] = ['direct', 'macvtap', 'direct-physical', 'vdpa', 'remote-managed']

export interface Vif {
  readonly portId: string
  readonly mac: string
  readonly networkId: string
  /** Network name: the key under `addresses`. */
  readonly label: string
  readonly networkProjectId: string
  readonly mtu: number
  readonly subnets: readonly VifSubnet[]
  readonly vifType: string
  readonly vnicType: string
  readonly details: Readonly<Record<string, unknown>>
  readonly devName: string
  readonly isActive: boolean
  /** True for a port that the user made: unbound, not deleted, when the server goes. */
  readonly isPreserved: boolean
  readonly tag: string | null
}
