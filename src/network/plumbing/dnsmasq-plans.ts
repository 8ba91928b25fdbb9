import type { Desired } from './desired-model.ts'
import { dhcpNamespace } from './dhcp-namespaces.ts'
import {
  advertiserArguments,
  type DnsmasqSettings,
  dhcpArguments,
  forwarderArguments,
  hostsText,
  optionsText,
} from './dnsmasq-files.ts'
import { routerNamespace } from './routers.ts'

/** One dnsmasq that should run. */
export interface DnsmasqPlan {
  /** Names its folder. */
  readonly id: string
  /** Undefined: where the bridges are. */
  readonly namespace: string | undefined
  /** Interfaces that it listens on; made anew they are others. */
  readonly devices: readonly string[]
  readonly args: (directory: string) => readonly string[]
  /** Texts that it reads again when told to, by name. */
  readonly files: Readonly<Record<string, string>>
  /** The network whose leases it keeps. */
  readonly networkId?: string
}

/** All that this machine needs: for DHCP in each network, beside routers with IPv6, and on the host's external networks. */
export function dnsmasqPlans(desired: Desired, settings: DnsmasqSettings, script: string): readonly DnsmasqPlan[] {
  const dhcp = desired.networks.flatMap((network): DnsmasqPlan[] => {
    const { id, dhcp: served } = network
    if (served === undefined) return []
    const { leg, upstream } = served
    return [
      {
        id,
        namespace: dhcpNamespace(id),
        devices: [leg.name],
        args: directory => dhcpArguments(network, served, settings, { directory, script }),
        files: {
          hosts: hostsText(network, desired.ports),
          opts: optionsText(network, settings),
          resolv: upstream === undefined ? '' : `nameserver ${upstream.server}\n`,
        },
        networkId: id,
      },
    ]
  })
  const advertisers = desired.routers
    .filter(({ advertised }) => advertised.length > 0)
    .map(
      (router): DnsmasqPlan => ({
        id: `ra-${router.id}`,
        namespace: routerNamespace(router.id),
        devices: router.advertised.map(({ leg }) => leg),
        args: directory => advertiserArguments(router, settings.leaseSeconds, directory),
        files: {},
      }),
    )
  const forwarders = desired.networks
    .filter(({ hostAddresses }) => hostAddresses.length > 0)
    .map(
      (network): DnsmasqPlan => ({
        id: `dns-${network.id}`,
        namespace: undefined,
        devices: [network.bridge],
        args: directory => forwarderArguments(network, directory),
        files: {},
      }),
    )
  return [...forwarders, ...advertisers, ...dhcp]
}
