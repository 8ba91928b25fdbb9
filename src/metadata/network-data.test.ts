import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkData } from './network-data.ts'
import { aVif } from './sample.test-kit.ts'
import type { MetadataSubnet } from './source.ts'

const v4 = aVif().subnets[0] as MetadataSubnet
const v6: MetadataSubnet = {
  id: 's6',
  cidr: '2001:db8::/52',
  version: 6,
  gateway: '2001:db8::1',
  dns: ['2001:db8::53', '10.0.0.2'],
  routes: [],
  dhcpServer: null,
  ips: [{ address: '2001:db8::5', version: 6, floatingIps: [] }],
}
const network_id = aVif().networkId
const link = 'tapf1a2b3c4-00'

test('a static IPv4 subnet in full', () => {
  const dns = [
    { type: 'dns', address: '10.0.0.2' },
    { type: 'dns', address: '10.0.0.3' },
  ]
  assert.deepEqual(networkData([aVif()]), {
    links: [{ id: link, vif_id: aVif().portId, type: 'bridge', mtu: 1450, ethernet_mac_address: 'fa:16:3e:00:00:01' }],
    networks: [
      {
        id: 'network0',
        type: 'ipv4',
        link,
        ip_address: '10.0.0.5',
        netmask: '255.255.255.192',
        routes: [
          { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' },
          { network: '10.8.0.0', netmask: '255.255.0.0', gateway: '10.0.0.9' },
        ],
        network_id,
        services: dns,
      },
    ],
    services: dns,
  })
})

test('DHCP hides address and mtu', () => {
  const data = networkData([aVif({ subnets: [{ ...v4, dhcpServer: '10.0.0.2' }] })])
  assert.deepEqual(data.networks, [{ id: 'network0', type: 'ipv4_dhcp', link, network_id }])
  assert.equal((data.links as { mtu: unknown }[])[0]?.mtu, null)
})

for (const [mode, type] of [
  [null, 'ipv6'],
  ['slaac', 'ipv6_slaac'],
  ['dhcpv6-stateful', 'ipv6_dhcpv6-stateful'],
  ['dhcpv6-stateless', 'ipv6_dhcpv6-stateless'],
] as const) {
  test(`IPv6 with address mode ${mode}`, () => {
    const data = networkData([{ ...aVif(), subnets: [v4, { ...v6, ipv6AddressMode: mode }] }])
    const second = (data.networks as Record<string, unknown>[])[1]
    assert.equal(second?.id, 'network1')
    assert.equal(second?.type, type)
    assert.equal(second?.netmask, 'ffff:ffff:ffff:f000::')
    assert.deepEqual(second?.routes, [{ network: '::', netmask: '::', gateway: '2001:db8::1' }])
    assert.deepEqual(
      (data.services as { address: string }[]).map(service => service.address),
      ['10.0.0.2', '10.0.0.3', '2001:db8::53'],
    )
  })
}

test('interfaces without subnets are left out, without a name they are numbered, exotic ones are physical', () => {
  const data = networkData([aVif({ subnets: [] }), aVif({ devName: '', vifType: 'macvtap' })])
  assert.deepEqual(
    (data.links as { id: string; type: string }[]).map(({ id, type }) => [id, type]),
    [['interface0', 'phy']],
  )
})

test('no interfaces, no document', () => assert.deepEqual(networkData([]), {}))
