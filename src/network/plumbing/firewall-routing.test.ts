import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '../addresses.ts'
import { frame } from './firewall-frame.ts'
import { difference } from './firewall-model.ts'
import { buildRulesets, frameRulesets } from './firewall-rules.ts'
import { type DesiredRouting, noRouting } from './routing.ts'

const cidr = parseCidr('10.0.0.0/24')
assert.ok(cidr !== undefined)
const facts = { metadataTarget: () => undefined }
const rules = (routing: DesiredRouting) =>
  buildRulesets({ networks: [], ports: [], groups: new Map(), routing }, facts).inet

const routing: DesiredRouting = {
  joined: [['brqfront', 'brqback']],
  externalBridges: ['brqpublic'],
  floating: [{ address: '172.24.4.10', fixedAddress: '10.0.0.5' }],
  hidden: [{ cidr, address: '172.24.4.2' }],
  routes: [],
  addresses: new Map(),
}

test('what routers do is elements of sets, so that a change moves single elements', () => {
  assert.deepEqual(difference('inet t', frameRulesets().inet, rules(routing)), [
    'add element inet t paths { "brqfront" . "brqback", "brqback" . "brqfront" }',
    'add element inet t external { "brqpublic" }',
    'add element inet t floating4 { 172.24.4.10 }',
    'add element inet t dnat4 { 172.24.4.10 : 10.0.0.5 }',
    'add element inet t snat4 { 10.0.0.5 : 172.24.4.10 }',
    'add element inet t hidden4 { 10.0.0.0/24 : 172.24.4.2 }',
  ])
  const moved = { ...routing, floating: [{ address: '172.24.4.10', fixedAddress: '10.0.0.6' }] }
  assert.deepEqual(difference('inet t', rules(routing), rules(moved)), [
    'delete element inet t dnat4 { 172.24.4.10 }',
    'delete element inet t snat4 { 10.0.0.5 }',
    'add element inet t dnat4 { 172.24.4.10 : 10.0.0.6 }',
    'add element inet t snat4 { 10.0.0.6 : 172.24.4.10 }',
  ])
  assert.deepEqual(difference('inet t', frameRulesets().inet, rules(noRouting)), [])
})

test('floating addresses are translated where packets come in, from outside and from this host', () => {
  const script = frame('inet t', 'bridge t')
  const of = (name: string) => script.filter(line => line.startsWith(`add rule inet t ${name} `))
  const translate = 'ip daddr @floating4 dnat ip to ip daddr map @dnat4'
  assert.ok(of('metadata_nat').includes(`add rule inet t metadata_nat ${translate}`))
  assert.deepEqual(of('host_nat'), [`add rule inet t host_nat ${translate}`])
  assert.deepEqual(of('crossing'), [
    'add rule inet t crossing iifname . oifname @paths return',
    'add rule inet t crossing ct status dnat ct original ip daddr @floating4 return',
    'add rule inet t crossing drop',
  ])
  // The world sees this host, whatever the network outside is called here.
  assert.match(of('outside_nat').at(-1) ?? '', /oifname != @bridges ip saddr @nat4 masquerade$/)
})
