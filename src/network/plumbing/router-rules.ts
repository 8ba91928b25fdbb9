import type { DesiredRouter } from './desired-model.ts'
import { metadataAddress } from './metadata-address.ts'

/** The nftables table in a router's namespace: which addresses stand for which. Pure text. */

const map = (pairs: readonly (readonly [string, string])[]): string =>
  `{ ${pairs.map(([key, value]) => `${key} : ${value}`).join(', ')} }`

function translation({ floating, snatAddress }: DesiredRouter, table: string, outside: string): string[] {
  const rule = (chain: string, text: string) => `add rule ${table} ${chain} ${text}`
  const hide = snatAddress === undefined ? [] : [rule('leaving', `oifname "${outside}" snat ip to ${snatAddress}`)]
  if (floating.length === 0) return hide
  const addresses = `{ ${floating.map(({ address }) => address).join(', ')} }`
  const inwards = map(floating.map(({ address, fixedAddress }) => [address, fixedAddress]))
  const outwards = map(floating.map(({ address, fixedAddress }) => [fixedAddress, address]))
  const cameToFloating = `iifname "qr-*" oifname "qr-*" ct status dnat ct original ip daddr ${addresses}`
  return [
    rule('coming', `ip daddr ${addresses} dnat ip to ip daddr map ${inwards}`),
    // Guests meet each other at floating addresses as they meet the outside: else answers would take the short way.
    rule('leaving', `${cameToFloating} snat ip to ip saddr map ${outwards}`),
    ...(snatAddress === undefined ? [] : [rule('leaving', `${cameToFloating} snat ip to ${snatAddress}`)]),
    rule('leaving', `oifname "${outside}" snat ip to ip saddr map ${outwards}`),
    ...hide,
  ]
}

/** The answer comes back this way, although the server is next to whoever asked. */
const askedNames = ({ names }: DesiredRouter, table: string): string[] =>
  names.flatMap(({ address, server }) => [
    `add rule ${table} coming iifname "qr-*" ip daddr ${address} meta l4proto { tcp, udp } th dport 53 dnat ip to ${server}`,
    `add rule ${table} leaving ct status dnat ct original ip daddr ${address} snat ip to ${address}`,
  ])

/**
 * Guests meet the machine outside as their gateway: where it has a route to them they need no route to it, and answers do
 * not depend on what a guest makes of several interfaces.
 */
function hostAsGateway({ gateways }: DesiredRouter, table: string): string[] {
  const v4 = gateways.filter(address => !address.includes(':'))
  return v4.length === 0
    ? []
    : [
        `add rule ${table} leaving oifname "qr-*" ct status dnat accept`,
        `add rule ${table} leaving oifname "qr-*" ip saddr { ${v4.join(', ')} } masquerade`,
      ]
}

/** Throws the old table away and makes a new one, in one transaction. */
export function routerRules(router: DesiredRouter, name: string): string {
  const table = `inet ${name}`
  const outside = router.outside?.name
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    `add chain ${table} coming { type nat hook prerouting priority dstnat; policy accept; }`,
    `add chain ${table} leaving { type nat hook postrouting priority srcnat; policy accept; }`,
    `add chain ${table} here { type filter hook input priority filter; policy accept; }`,
    // The daemon for router advertisements is no DHCP server; that of the network is in a namespace of its own.
    `add rule ${table} here udp dport 547 drop`,
    `add rule ${table} here iifname != "qr-*" ip daddr ${metadataAddress} drop`,
    ...askedNames(router, table),
    `add chain ${table} across { type filter hook forward priority filter; policy accept; }`,
    ...(outside === undefined
      ? []
      : [
          `add rule ${table} across iifname "${outside}" oifname "${outside}" drop`,
          ...translation(router, table, outside),
          ...hostAsGateway(router, table),
        ]),
    '',
  ].join('\n')
}
