import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '../addresses.ts'
import type { DesiredPort } from './desired-model.ts'
import { groupChain } from './firewall-rules.ts'
import { type FirewallState, staleFlows } from './stale-flows.ts'

const cidr = parseCidr('10.0.0.0/24')
assert.ok(cidr !== undefined)

const port = (more: Partial<DesiredPort> = {}): DesiredPort => ({
  id: 'p',
  networkId: 'n',
  bridge: 'brqn',
  zone: 3,
  tap: 'tapp',
  mac: 'fa:16:3e:00:00:01',
  addresses: [{ subnetId: 's', address: '10.0.0.5', version: 4 }],
  isSecured: true,
  isUp: true,
  groupIds: ['g'],
  hosts: ['compute-1'],
  hostname: '',
  ...more,
})

const state = (ports: readonly DesiredPort[], ingress: readonly string[]): FirewallState => ({
  desired: {
    networks: [
      {
        id: 'n',
        bridge: 'brqn',
        mtu: 1500,
        isClosed: true,
        zone: 3,
        hostAddresses: [],
        dhcp: undefined,
        subnets: [
          {
            id: 's',
            cidr,
            gatewayIp: null,
            dhcpIp: null,
            dnsNameservers: [],
            hostRoutes: [],
            ipv6RaMode: null,
            ipv6AddressMode: null,
          },
        ],
      },
    ],
    ports,
    groups: new Map(),
    routers: [],
    hostRoutes: [],
  },
  inet: { chains: new Map([[groupChain('ingress', 'g'), ingress]]), sets: new Map() },
})

const tcp = 'meta nfproto ipv4 meta l4proto 6 th dport 22 accept'

test('a removed rule ends flows of its protocol and direction, a new one ends nothing', () => {
  const flow = { address: '10.0.0.5', version: 4, zone: 3, direction: 'ingress', protocol: 6 }
  assert.deepEqual(staleFlows(state([port()], [tcp]), state([port()], [])), [flow])
  assert.deepEqual(staleFlows(state([port()], []), state([port()], [tcp])), [])
})

test('a port that goes leaves no flow to the next owner of its address', () => {
  const flows = staleFlows(state([port()], []), state([], []))
  assert.deepEqual(
    flows.map(({ direction, protocol }) => [direction, protocol]),
    [
      ['ingress', undefined],
      ['egress', undefined],
    ],
  )
})

test('a member that leaves a group loses its flows inside, not those to the world', () => {
  const flows = staleFlows(state([port()], []), state([port({ groupIds: [] })], []))
  assert.deepEqual(
    flows.map(flow => flow.peers),
    ['10.0.0.0/24', '10.0.0.0/24'],
  )
})
