import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '../addresses.ts'
import { type DesiredRouter, nothing } from './desired-model.ts'
import { difference } from './firewall-model.ts'
import { buildRulesets, frameRulesets } from './firewall-rules.ts'
import { isStale, readFlows } from './router-flows.ts'
import { routerRules } from './router-rules.ts'

const cidr = (text: string) => {
  const found = parseCidr(text)
  assert.ok(found !== undefined)
  return found
}
const leg = { portId: 'p', networkId: 'n', bridge: 'brqn', mtu: 1500, mac: 'fa:16:3e:00:00:01', addresses: [] }
const router: DesiredRouter = {
  id: 'r',
  inside: [{ ...leg, name: 'qr-1' }],
  advertised: [],
  outside: { ...leg, name: 'qg-1' },
  gateways: ['172.24.4.1'],
  snatAddress: '172.24.4.2',
  floating: [{ address: '172.24.4.10', fixedAddress: '10.0.0.5' }],
  routes: [],
  names: [],
  behind: [cidr('10.0.0.0/24')],
}

const rulesOf = (router: DesiredRouter, chain: string): string[] =>
  routerRules(router, 't')
    .split('\n')
    .flatMap(line => line.split(`add rule inet t ${chain} `)[1] ?? [])

test('floating addresses stand for their guests in both directions, all else for the router', () => {
  assert.deepEqual(rulesOf(router, 'coming'), [
    'ip daddr { 172.24.4.10 } dnat ip to ip daddr map { 172.24.4.10 : 10.0.0.5 }',
  ])
  assert.deepEqual(rulesOf(router, 'leaving').slice(2, 4), [
    'oifname "qg-1" snat ip to ip saddr map { 10.0.0.5 : 172.24.4.10 }',
    'oifname "qg-1" snat ip to 172.24.4.2',
  ])
  const bare = rulesOf({ ...router, floating: [], snatAddress: undefined }, 'leaving')
  assert.deepEqual(bare.at(-1), 'oifname "qr-*" ip saddr { 172.24.4.1 } masquerade')
  assert.deepEqual(rulesOf({ ...router, outside: undefined }, 'coming'), [])
})

test('the host knows what is behind routers as elements of sets, the widest of each', () => {
  const more = { ...router, id: 's', behind: [cidr('10.0.0.0/16'), cidr('10.0.0.0/24'), cidr('fd00::/64')] }
  const { inet } = buildRulesets({ ...nothing, routers: [router, more] })
  assert.deepEqual(difference('inet t', frameRulesets().inet, inet), [
    'add element inet t behind4 { 10.0.0.0/16 }',
    'add element inet t behind6 { fd00::/64 }',
  ])
})

test('what is behind a router takes nobody’s way to an external network that has the same addresses', () => {
  const flags = { mtu: 1500, isClosed: false, zone: undefined, dhcp: undefined, hostAddresses: [] }
  const way = { gatewayIp: null, dhcpIp: null, dnsNameservers: [], hostRoutes: [] }
  const subnet = { id: 's', cidr: cidr('10.0.0.0/26'), ...way, ipv6RaMode: null, ipv6AddressMode: null }
  const external = { id: 'e', bridge: 'brqe', ...flags, subnets: [subnet] }
  const { inet } = buildRulesets({ ...nothing, networks: [external], routers: [router] })
  assert.deepEqual([...(inet.sets.get('behind4')?.elements ?? [])], [])
})

test('a connection is stale when it is translated as no rule would', () => {
  const [flow] = readFlows(
    'tcp 6 431999 ESTABLISHED src=1.2.3.4 dst=172.24.4.10 sport=5 dport=22 src=10.0.0.5 dst=1.2.3.4 sport=22 dport=5 [ASSURED] mark=0 use=1',
  )
  assert.ok(flow !== undefined)
  assert.equal(isStale(router, flow), false)
  assert.equal(isStale({ ...router, floating: [] }, flow), true)
  assert.equal(isStale(router, { ...flow, replySource: '10.0.0.6' }), true)
  const outwards = { source: '10.0.0.5', target: '1.2.3.4', replySource: '1.2.3.4', replyTarget: '172.24.4.10' }
  assert.equal(isStale(router, outwards), false)
  // Begun before the guest had a floating address.
  assert.equal(isStale(router, { ...outwards, replyTarget: '172.24.4.2' }), false)
  assert.equal(isStale({ ...router, floating: [] }, outwards), true)
})
