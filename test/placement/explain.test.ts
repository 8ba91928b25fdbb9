import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import type { CandidateQuery } from '#cloud'
import { aGroup, anInventory, aQuery, openWorld, type World } from './fixtures.ts'

/** A node with two cards below it, and a share that the node may use. */
let world: World
const [node, nic1, nic2, share, pool] = [newUuid(), newUuid(), newUuid(), newUuid(), newUuid()]
before(async () => {
  world = await openWorld()
  const { port } = world
  await port.ensureProvider({ id: node, name: 'node' })
  await port.setInventories(node, { VCPU: anInventory(8) })
  await port.setTraits(node, ['COMPUTE_NODE'])
  for (const [id, name] of [
    [nic1, 'nic1'],
    [nic2, 'nic2'],
  ] as const) {
    await port.ensureProvider({ id, name, parentId: node })
    await port.setInventories(id, { SRIOV_NET_VF: anInventory(name === 'nic1' ? 2 : 4) })
    await port.setTraits(id, [`CUSTOM_${name.toUpperCase()}`])
  }
  await port.ensureProvider({ id: share, name: 'share' })
  await port.setInventories(share, { DISK_GB: anInventory(100) })
  await port.setTraits(share, ['MISC_SHARES_VIA_AGGREGATE'])
  for (const id of [node, share]) await port.setAggregates(id, [pool])
})
after(() => world.remove())

const reasons = async (query: CandidateQuery) =>
  (await world.port.explain(query)).map(({ providerName, reason }) => [providerName, reason])

test('who fits is not named, nor is a share', async () => {
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 8, SRIOV_NET_VF: 4, DISK_GB: 100 })])), [])
})

test('a spread group names every provider that has the class', async () => {
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 9, SRIOV_NET_VF: 5, DISK_GB: 101 })])), [
    [
      'node',
      'VCPU: 9 needed, 8 free of 8 (allocation ratio 1, reserved 0); ' +
        'SRIOV_NET_VF: 5 needed, 2 free of 2 (allocation ratio 1, reserved 0) on nic1, ' +
        'SRIOV_NET_VF: 5 needed, 4 free of 4 (allocation ratio 1, reserved 0) on nic2; ' +
        'DISK_GB: 101 needed, 100 free of 100 (allocation ratio 1, reserved 0)',
    ],
  ])
})

test('a trait counts only on providers that give something', async () => {
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 1 }, { required: [['CUSTOM_NIC1']] })])), [
    ['node', 'trait CUSTOM_NIC1 is required and missing'],
  ])
})

test('a suffixed group names the provider that comes closest', async () => {
  const group = aGroup({ SRIOV_NET_VF: 3 }, { suffix: '1', required: [['CUSTOM_NIC1']] })
  assert.deepEqual(await reasons(aQuery([group])), [
    [
      'node',
      'group 1: no provider has it all; closest is nic1 (SRIOV_NET_VF: 3 needed, 2 free of 2 (allocation ratio 1, reserved 0))',
    ],
  ])
})

test('groups that fit one by one and not together say so', async () => {
  const groups = ['1', '2', '3'].map(suffix => aGroup({ SRIOV_NET_VF: 1 }, { suffix }))
  assert.deepEqual(await reasons(aQuery(groups, { groupPolicy: 'isolate' })), [
    ['node', 'each group would fit, but not all together on different providers'],
  ])
})

test('the root, the tree and the aggregates have words of their own', async () => {
  const other = newUuid()
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 1 })], { rootRequired: ['CUSTOM_NIC1'] })), [
    ['node', 'trait CUSTOM_NIC1 is required and missing'],
  ])
  assert.deepEqual(await reasons(aQuery([aGroup({ DISK_GB: 1 }, { inTree: share })])), [
    ['node', 'not in the tree that the request names'],
  ])
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 1 }, { memberOf: [[other]] })])), [
    ['node', `not a member of aggregate ${other}`],
  ])
  assert.deepEqual(await reasons(aQuery([aGroup({ VCPU: 1 }, { notMemberOf: [pool] })])), [
    ['node', `a member of aggregate ${pool}, which is excluded`],
  ])
})
