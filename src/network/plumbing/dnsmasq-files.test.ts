import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '../addresses.ts'
import type { DesiredDhcp, DesiredNetwork } from './desired-model.ts'
import { advertiserArguments, dhcpArguments, hostLabel, optionsText } from './dnsmasq-files.ts'

const cidr = parseCidr('10.0.0.0/26')
assert.ok(cidr !== undefined)
const network: DesiredNetwork = {
  id: 'n',
  bridge: 'brqn',
  mtu: 1450,
  isClosed: true,
  zone: 1,
  hostAddresses: [],
  dhcp: undefined,
  subnets: [
    {
      id: 'subnet',
      cidr,
      gatewayIp: null,
      dhcpIp: '10.0.0.2',
      dnsNameservers: ['9.9.9.9'],
      hostRoutes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.3' }],
      ipv6RaMode: null,
      ipv6AddressMode: null,
    },
  ],
}
const settings = { domain: 'novalocal', leaseSeconds: 600, hasMetadata: true }

test('a subnet without gateway announces no router, but metadata and its own routes', () => {
  assert.deepEqual(optionsText(network, settings).trim().split('\n'), [
    'tag:ssubnet,option:router',
    'tag:ssubnet,option:classless-static-route,10.9.0.0/16,10.0.0.3,169.254.169.254/32,10.0.0.2',
    'tag:ssubnet,249,10.9.0.0/16,10.0.0.3,169.254.169.254/32,10.0.0.2',
    'tag:ssubnet,option:mtu,1450',
    'tag:ssubnet,option:dns-server,9.9.9.9',
  ])
})

const dhcp: DesiredDhcp = {
  leg: {
    name: 'ns-1',
    portId: '1',
    networkId: 'n',
    bridge: 'brqn',
    mtu: 1450,
    mac: 'fa:16:3e:00:00:01',
    addresses: [],
  },
  upstream: undefined,
}

test('only known guests are served', () => {
  const args = dhcpArguments(network, dhcp, settings, { directory: '/run/x/n', script: '/run/x/s' })
  assert.ok(args.includes('--dhcp-range=set:ssubnet,10.0.0.0,static,255.255.255.192,600s'))
  assert.ok(args.includes('--dhcp-lease-max=64'))
})

test('a network announces its IPv6 prefix, a router that it is the way out', () => {
  const [only] = network.subnets
  const prefix = parseCidr('fd00:1::/64')
  assert.ok(only !== undefined && prefix !== undefined)
  const subnet = { ...only, cidr: prefix, gatewayIp: 'fd00:1::1', dhcpIp: 'fd00:1::2', ipv6RaMode: 'slaac' }
  const args = dhcpArguments({ ...network, subnets: [subnet] }, dhcp, settings, { directory: '/x', script: '/s' })
  assert.ok(args.includes('--ra-param=ns-1,0,0'))
  const own = advertiserArguments({ advertised: [{ leg: 'qr-1', subnet }] }, 600, '/x')
  const range = '--dhcp-range=set:ssubnet,fd00:1::,ra-only,64'
  assert.deepEqual(
    own.filter(arg => /^--(interface|ra|dhcp)/.test(arg)),
    ['--interface=qr-1', range],
  )
  assert.ok(args.includes(range))
})

test('a server’s name becomes one DNS label, whatever it holds', () => {
  assert.equal(hostLabel('web-1.example.org', '10.0.0.5'), 'web-1')
  assert.equal(hostLabel('x,\n1.2.3.4;rm', '10.0.0.5'), 'x1')
  assert.equal(hostLabel('', '10.0.0.5'), 'host-10-0-0-5')
  assert.equal(hostLabel('a'.repeat(70), '10.0.0.5').length, 63)
})
