import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CapacitySection, capacityOf } from './options.ts'
import { bridgeAgent, cardAgent, providersOf } from './providers.ts'

const section = (set: Partial<CapacitySection>): CapacitySection => ({
  mappings: [],
  resource_provider_bandwidths: [],
  resource_provider_inventory_defaults: [],
  resource_provider_packet_processing_without_direction: [],
  resource_provider_packet_processing_with_direction: [],
  ...set,
})
const node = { id: 'node', host: 'host1', hypervisorHostname: 'hv1' }

test('nothing said, nothing told', () => {
  assert.equal(capacityOf(section({ mappings: ['physnet1:eth1'] })), undefined)
})

test('the agent is below the host, its cards below the agent', () => {
  const capacity = capacityOf(
    section({
      mappings: ['physnet1:eth1'],
      resource_provider_bandwidths: ['eth1:1000:2000', 'eth2::500'],
      resource_provider_inventory_defaults: ['allocation_ratio:2.0', 'reserved:10'],
    }),
  )
  assert.ok(capacity)
  const [agent, first, second] = providersOf(node, { ...cardAgent, ...capacity })
  assert.deepEqual(
    [agent?.name, first?.name, second?.name],
    ['host1:NIC Switch agent', 'host1:NIC Switch agent:eth1', 'host1:NIC Switch agent:eth2'],
  )
  assert.deepEqual([agent?.parentId, first?.parentId, second?.parentId], ['node', agent?.id, agent?.id])
  assert.deepEqual(agent?.inventories, {})
  const one = { reserved: 10, minUnit: 1, stepSize: 1, allocationRatio: 2 }
  assert.deepEqual(first?.inventories, {
    NET_BW_EGR_KILOBIT_PER_SEC: { total: 1000, maxUnit: 1000, ...one },
    NET_BW_IGR_KILOBIT_PER_SEC: { total: 2000, maxUnit: 2000, ...one },
  })
  assert.deepEqual(Object.keys(second?.inventories ?? {}), ['NET_BW_IGR_KILOBIT_PER_SEC'])
  const vnics = ['CUSTOM_VNIC_TYPE_DIRECT', 'CUSTOM_VNIC_TYPE_MACVTAP', 'CUSTOM_VNIC_TYPE_DIRECT_PHYSICAL']
  assert.deepEqual([first?.traits, second?.traits], [[...vnics, 'CUSTOM_PHYSNET_PHYSNET1'], vnics])
})

test('packets are counted at the agent, of one host or of all', () => {
  const capacity = capacityOf(
    section({
      resource_provider_packet_processing_without_direction: [':100', 'hv1:200', 'hv2:300'],
      resource_provider_packet_processing_with_direction: [':5:6'],
    }),
  )
  assert.ok(capacity)
  const [agent] = providersOf(node, { ...bridgeAgent, ...capacity })
  const totals = Object.entries(agent?.inventories ?? {}).map(([name, { total }]) => [name, total])
  assert.deepEqual(totals, [
    ['NET_PACKET_RATE_KILOPACKET_PER_SEC', 200],
    ['NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC', 5],
    ['NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC', 6],
  ])
})

test('what is no number, or too few of them, stops the service and is named', () => {
  for (const entry of ['eth1:fast:slow', 'eth1:10', 'eth1'])
    assert.throws(() => capacityOf(section({ resource_provider_bandwidths: [entry] })), new RegExp(`'${entry}'`))
})
