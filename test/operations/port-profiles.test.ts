import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { deviceSpecs } from '#model'
import { claimHost, leaveHost, releasePort } from '#store'
import { simulatedFunction } from '#virt/fake'
import { profilesAt } from '../../src/conductor/port-profiles.ts'
import { makeUserPort } from './intent.ts'
import { smallCloud } from './world.ts'

test('a port is told its card on the host that it is bound to, also when a move holds both ends', async t => {
  const vf = { vendor_id: '8086', product_id: '10ed', type: 'type-VF', parent: '0000:81:00.0' }
  const found = simulatedFunction(JSON.stringify({ ...vf, address: '0000:81:10.0' }))
  const topology = { shared: null, dedicated: null, reservedPages: [], physnets: {}, tunnels: [], packsCells: false }
  const specs = deviceSpecs(['{"vendor_id": "8086", "physical_network": "physnet1"}'])
  const options = { topology, deviceSpecs: specs, reportsDevices: false }
  const cloud = await smallCloud(['one', 'two'], {}, { machine: { pciFunctions: [found] }, options })
  t.after(() => cloud.close())
  const { conductor: d, store } = cloud
  const nodes = new Map((await store.computeNodes.list()).map(node => [node.host, node.uuid]))
  const [id, migrationId] = [newUuid(), newUuid()]
  const portId = await makeUserPort(cloud)
  const request = {
    id: newUuid(),
    count: 1,
    specs: [{ physical_network: 'physnet1', remote_managed: 'false' }],
    aliasName: null,
    numaPolicy: 'legacy',
    resourceClass: null,
    traits: [],
    canMove: null,
    portId,
  } as const
  const claimOn = (host: string) =>
    claimHost(store, {
      consumerId: id,
      instanceId: id,
      nodeId: nodes.get(host) ?? '',
      demand: { numa: null, pci: [request] },
      isFinal: true,
    })
  assert.equal(await claimOn('one'), undefined)
  await leaveHost(store, id, migrationId)
  assert.equal(await claimOn('two'), undefined)
  for (const host of ['two', 'one', 'one']) {
    assert.deepEqual((await profilesAt(d, { id: instanceId(id) }, host)).get(portId), {
      pci_slot: '0000:81:10.0',
      pci_vendor_info: '8086:10ed',
      physical_network: 'physnet1',
    })
  }
  assert.equal((await profilesAt(d, { id: instanceId(newUuid()) }, 'one')).size, 0)
  const held = (await store.pciDevices.onNodes([...nodes.values()])).values()
  assert.deepEqual(
    [...held]
      .flat()
      .map(one => one.consumerId)
      .sort(),
    [id, migrationId].sort(),
  )
  for (let again = 0; again < 2; again++) {
    await releasePort(store, id, portId)
    assert.equal(await store.hostClaims.of(id), undefined)
    const left = await store.pciDevices.on(nodes.get('two') ?? '')
    assert.deepEqual(
      left.map(one => one.state),
      ['available'],
    )
  }
})
