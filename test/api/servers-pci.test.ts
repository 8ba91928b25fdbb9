/** Servers with PCI devices of their host: alias by alias, near their memory, counted in placement, and free again. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PciFunction } from '#model'
import { HypervisorError } from '#virt'
import { evenCells, simulatedFunction } from '#virt/fake'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

const device = (fields: Readonly<Record<string, unknown>>): PciFunction => simulatedFunction(JSON.stringify(fields))
const gpu = { vendor_id: '10de', product_id: '1eb8' }
const card = { vendor_id: '8086', product_id: '10fb' }
const vf = { vendor_id: '8086', product_id: '10ed', type: 'type-VF', parent: '0000:81:00.0' }

const pciFunctions: readonly PciFunction[] = [
  device({ ...gpu, address: '0000:03:00.0', numa_node: 0 }),
  device({ ...gpu, address: '0000:04:00.0', numa_node: 1 }),
  device({ ...card, address: '0000:81:00.0', type: 'type-PF', numa_node: 1, devname: 'enp129s0' }),
  device({ ...vf, address: '0000:81:10.0', numa_node: 1, parent_devname: 'enp129s0' }),
  device({ ...vf, address: '0000:81:10.2', numa_node: 1, parent_devname: 'enp129s0' }),
  device({ vendor_id: '1af4', product_id: '1041', address: '0000:05:00.0' }),
]

const alias = [
  JSON.stringify({ name: 'gpu', ...gpu, device_type: 'type-PCI' }),
  JSON.stringify({ name: 'near', ...gpu, device_type: 'type-PCI', numa_policy: 'required' }),
  JSON.stringify({ name: 'vf', vendor_id: '8086', product_id: '10ed', device_type: 'type-VF' }),
  JSON.stringify({ name: 'pf', ...card, device_type: 'type-PF' }),
]

const filters = ['ComputeFilter', 'ImagePropertiesFilter', 'NUMATopologyFilter', 'PciPassthroughFilter']

let number = 0
async function flavorOf(cloud: ApiCloud, extraSpecs: Readonly<Record<string, string>>, vcpus = 1) {
  const id = await cloud.newFlavor({ name: `pci-${++number}`, vcpus, ram: 128, disk: 1 })
  const body = { extra_specs: extraSpecs }
  await cloud.request('POST', `/flavors/${id}/os-extra_specs`, { as: cloud.admin, version: newest, body })
  return id
}

const remove = async (cloud: ApiCloud, ...ids: readonly string[]) => {
  for (const id of ids) {
    await cloud.request('DELETE', `/servers/${id}`, { as: cloud.admin })
    await cloud.waitUntilGone(id)
  }
}

const nodeOf = async (cloud: ApiCloud) => (await cloud.store.computeNodes.list())[0]?.uuid ?? ''
const statesOn = async (cloud: ApiCloud) =>
  Object.fromEntries((await cloud.store.pciDevices.on(await nodeOf(cloud))).map(one => [one.address, one.state]))
const addressesOf = async (cloud: ApiCloud, id: string) =>
  (await cloud.store.pciDevices.of(id)).map(one => one.address).sort()

const hosts = (config: Readonly<Record<string, unknown>> = {}, scheduler = {}) =>
  startCloud({
    hardware: { pciFunctions, cells: evenCells({ cells: 2, cpus: 8, threadsPerCore: 1, memoryMiB: 4096, pages: [] }) },
    config: {
      pci: { device_spec: [JSON.stringify(gpu), JSON.stringify({ address: '0000:81:00.0' })], alias, ...config },
      filter_scheduler: { enabled_filters: filters, ...scheduler },
    },
  })

describe('PCI devices of a host', () => {
  let cloud: ApiCloud
  before(async () => {
    cloud = await hosts()
  })
  after(() => cloud.close())

  test('those that the operator gives to guests are known, a card by its address with its virtual functions', async () => {
    assert.deepEqual(await statesOn(cloud), {
      '0000:03:00.0': 'available',
      '0000:04:00.0': 'available',
      '0000:81:00.0': 'available',
      '0000:81:10.0': 'available',
      '0000:81:10.2': 'available',
    })
  })

  test('a server has its device to itself, the guest is told, and it is free when the server is gone', async () => {
    const flavorRef = await flavorOf(cloud, { 'pci_passthrough:alias': 'gpu:2' })
    const id = await cloud.bootServer({ fields: { flavorRef } })
    assert.deepEqual(await addressesOf(cloud, id), ['0000:03:00.0', '0000:04:00.0'])
    const spec = cloud.driver.recordOf(id as never)?.spec
    assert.deepEqual(spec?.hostDevices?.map(one => [one.address, one.alias]).sort(), [
      ['0000:03:00.0', 'gpu'],
      ['0000:04:00.0', 'gpu'],
    ])
    assert.equal((await statesOn(cloud))['0000:03:00.0'], 'allocated')
    const none = await cloud.bootServer({ fields: { flavorRef }, status: 'ERROR' })
    const { fault } = await cloud.server(none, { as: cloud.admin })
    assert.match(fault.message, /PciPassthroughFilter: 2 PCI devices gpu needed, 0 free/)
    await remove(cloud, id, none)
    assert.equal((await statesOn(cloud))['0000:03:00.0'], 'available')
  })

  test('a virtual function bars its physical one, and the other way', async () => {
    const one = await cloud.bootServer({
      fields: { flavorRef: await flavorOf(cloud, { 'pci_passthrough:alias': 'vf:1' }) },
    })
    const states = await statesOn(cloud)
    assert.deepEqual([states['0000:81:00.0'], states['0000:81:10.2']], ['unavailable', 'available'])
    const flavorRef = await flavorOf(cloud, { 'pci_passthrough:alias': 'pf:1' })
    const none = await cloud.bootServer({ fields: { flavorRef }, status: 'ERROR' })
    await remove(cloud, one, none)
    const whole = await cloud.bootServer({ fields: { flavorRef } })
    assert.deepEqual((await statesOn(cloud))['0000:81:10.2'], 'unavailable')
    await remove(cloud, whole)
    assert.deepEqual(new Set(Object.values(await statesOn(cloud))), new Set(['available']))
  })

  test('a device that must be near takes the guest to its cell', async () => {
    const near = { 'pci_passthrough:alias': 'near:1', 'hw:cpu_policy': 'dedicated' }
    const flavorRef = await flavorOf(cloud, near, 2)
    const ids = [await cloud.bootServer({ fields: { flavorRef } }), await cloud.bootServer({ fields: { flavorRef } })]
    for (const id of ids) {
      const { body } = await cloud.request('GET', `/servers/${id}/topology`, { as: cloud.admin, version: newest })
      const [address] = await addressesOf(cloud, id)
      assert.equal(body.nodes[0].host_node, address === '0000:03:00.0' ? 0 : 1)
    }
    await remove(cloud, ...ids)
  })

  test('a port that wants a function of a card: one is claimed and named, and free again with the server', async () => {
    const asked = { network_id: cloud.networkId, 'binding:vnic_type': 'direct', 'binding:profile': { kept: 'yes' } }
    const { port } = await cloud.neutron('POST', '/ports', { port: asked }, cloud.admin)
    const profile = async () =>
      (await cloud.neutron('GET', `/ports/${port.id}`, undefined, cloud.admin)).port['binding:profile']
    const fields = { flavorRef: await flavorOf(cloud, {}), networks: [{ port: port.id }] }
    cloud.driver.failNext('spawn', HypervisorError({ operation: 'spawn', reason: 'no' }))
    const failed = await cloud.bootServer({ as: cloud.admin, fields, status: 'ERROR' })
    assert.deepEqual([await profile(), await addressesOf(cloud, failed)], [{ kept: 'yes' }, []])
    await remove(cloud, failed)
    const id = await cloud.bootServer({ as: cloud.admin, fields })
    const spec = await cloud.store.requestSpecs.find(id)
    assert.deepEqual(
      spec?.pciRequests?.map(({ portId, specs }) => [portId, specs]),
      [[port.id, [{ remote_managed: 'false' }]]],
    )
    const [address] = await addressesOf(cloud, id)
    assert.deepEqual(await profile(), { kept: 'yes', pci_slot: address, pci_vendor_info: '8086:10ed' })
    const [vif] = cloud.driver.recordOf(id as never)?.vifs ?? []
    assert.deepEqual([vif?.portId, vif?.card?.address], [port.id, address])
    await remove(cloud, id)
    assert.deepEqual(await profile(), { kept: 'yes' })
    assert.deepEqual(new Set(Object.values(await statesOn(cloud))), new Set(['available']))
  })

  test('an alias that nobody has defined is refused', async () => {
    const flavorRef = await flavorOf(cloud, { 'pci_passthrough:alias': 'fpga:1' })
    const server = { name: 'x', imageRef: cloud.imageId, flavorRef, networks: 'none' }
    const answer = await cloud.request('POST', '/servers', { version: newest, body: { server } })
    answer.refuses(400, 'PCI alias fpga is not defined')
  })
})

describe('PCI devices in placement', () => {
  let cloud: ApiCloud
  before(async () => {
    const device_spec = [
      JSON.stringify({ ...gpu, traits: 'big, CUSTOM_QUIET' }),
      JSON.stringify({ vendor_id: '8086', product_id: '10ed', resource_class: 'fast_card' }),
    ]
    const named = [
      JSON.stringify({ name: 'gpu', ...gpu, device_type: 'type-PCI', traits: 'CUSTOM_QUIET' }),
      JSON.stringify({
        name: 'vf',
        vendor_id: '8086',
        product_id: '10ed',
        device_type: 'type-VF',
        resource_class: 'fast_card',
      }),
    ]
    cloud = await hosts({ report_in_placement: true, device_spec, alias: named }, { pci_in_placement: true })
  })
  after(() => cloud.close())

  const face = async (path: string): Promise<Json> => {
    const headers = { 'x-auth-token': cloud.admin.token, 'openstack-api-version': 'placement 1.39' }
    return (await cloud.placement.face.inject({ method: 'GET', url: path, headers })).json()
  }

  test('each device is a provider below its host, virtual functions are counted at their card', async () => {
    const { resource_providers: found } = await face('/resource_providers')
    const names = found.map((one: Json) => one.name).sort()
    assert.deepEqual(names, ['host-1', 'host-1_0000:03:00.0', 'host-1_0000:04:00.0', 'host-1_0000:81:00.0'])
    const at = (name: string) => found.find((one: Json) => one.name === name).uuid
    const { inventories } = await face(`/resource_providers/${at('host-1_0000:81:00.0')}/inventories`)
    assert.equal(inventories.CUSTOM_FAST_CARD.total, 2)
    const { traits } = await face(`/resource_providers/${at('host-1_0000:03:00.0')}/traits`)
    assert.deepEqual(traits, ['COMPUTE_MANAGED_PCI_DEVICE', 'CUSTOM_BIG', 'CUSTOM_QUIET', 'OWNER_NOVA'])
  })

  test('a server holds what placement has chosen for it', async () => {
    const flavorRef = await flavorOf(cloud, { 'pci_passthrough:alias': 'gpu:1,vf:2' })
    const id = await cloud.bootServer({ fields: { flavorRef } })
    const { allocations } = await face(`/allocations/${id}`)
    const classes = Object.values(allocations).flatMap((one: Json) => Object.entries(one.resources))
    assert.deepEqual(classes.filter(([name]) => String(name).startsWith('CUSTOM')).sort(), [
      ['CUSTOM_FAST_CARD', 2],
      ['CUSTOM_PCI_10DE_1EB8', 1],
    ])
    const [gpuAddress] = await addressesOf(cloud, id)
    const { resource_providers: found } = await face('/resource_providers')
    const chosen = found.filter((one: Json) => one.uuid in allocations).map((one: Json) => one.name)
    assert.ok(chosen.includes(`host-1_${gpuAddress}`), `${chosen} ${gpuAddress}`)
    await remove(cloud, id)
    assert.deepEqual((await face(`/allocations/${id}`)).allocations, {})
    assert.deepEqual(new Set(Object.values(await statesOn(cloud))), new Set(['available']))
  })
})

test('devices of servers are counted in placement although it was not asked for them', async t => {
  const cloud = await hosts({ report_in_placement: true, device_spec: [JSON.stringify(gpu)] })
  t.after(() => cloud.close())
  const flavorRef = await flavorOf(cloud, { 'pci_passthrough:alias': 'gpu:1' })
  const id = await cloud.bootServer({ fields: { flavorRef } })
  const devices = async () =>
    Object.values((await cloud.placement.port.consumer(id)).allocations).flatMap(one => Object.entries(one))
  const isDevice = ([name]: [string, number]) => name.startsWith('CUSTOM_PCI')
  assert.deepEqual((await devices()).filter(isDevice), [])
  // Its next report finds it.
  await cloud.stopHost('host-1')
  await cloud.startHost('host-1')
  assert.deepEqual((await devices()).filter(isDevice), [['CUSTOM_PCI_10DE_1EB8', 1]])
  assert.ok((await devices()).some(([name]) => name === 'VCPU'))
  await remove(cloud, id)
  assert.deepEqual(await devices(), [])
})

test('a card whose functions guests may have as well cannot be counted', async () => {
  const device_spec = [JSON.stringify({ address: '0000:81:00.0' })]
  await assert.rejects(
    hosts({ report_in_placement: true, device_spec }),
    /Both the physical function and virtual functions/,
  )
})
