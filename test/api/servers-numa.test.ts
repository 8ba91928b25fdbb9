/** Servers with memory nodes, CPUs and pages of their own: what hosts give them, and that nobody gets what another has. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { evenCells } from '#virt/fake'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

const cells = evenCells({
  cells: 2,
  cpus: 16,
  threadsPerCore: 2,
  memoryMiB: 8192,
  pages: [{ node: 0, sizeKiB: 2048, count: 512 }],
})

/** Two whole cores of each cell are for guests that pin, two for those that share. */
const startNumaCloud = (
  hosts: readonly string[],
  enabledFilters: readonly string[],
  dedicated = '2,3,6,7,10,11,14,15',
) =>
  startCloud({
    hosts,
    hardware: { cells },
    quotas: { cores: 1000, instances: 1000, ram: 1_000_000 },
    config: {
      compute: { cpu_dedicated_set: dedicated, cpu_shared_set: '0,1,4,5,8,9,12,13' },
      filter_scheduler: { enabled_filters: [...enabledFilters] },
    },
  })

const filters = ['ComputeFilter', 'ComputeCapabilitiesFilter', 'ImagePropertiesFilter', 'NUMATopologyFilter']

let number = 0
async function flavorOf(cloud: ApiCloud, vcpus: number, extraSpecs: Readonly<Record<string, string>>, ram = 128) {
  const id = await cloud.newFlavor({ name: `numa-${++number}`, vcpus, ram, disk: 1 })
  const body = { extra_specs: extraSpecs }
  await cloud.request('POST', `/flavors/${id}/os-extra_specs`, { as: cloud.admin, version: newest, body })
  return id
}

const bootOf = (cloud: ApiCloud, flavorRef: string, status = 'ACTIVE') =>
  cloud.bootServer({ fields: { flavorRef }, status })

const topologyOf = async (cloud: ApiCloud, id: string): Promise<Json> =>
  (await cloud.request('GET', `/servers/${id}/topology`, { as: cloud.admin, version: newest })).expect(200).body

const remove = async (cloud: ApiCloud, id: string) => {
  await cloud.request('DELETE', `/servers/${id}`, { as: cloud.admin })
  await cloud.waitUntilGone(id)
}

const pinsOf = (topology: Json): readonly number[] =>
  topology.nodes.flatMap((node: Json) => Object.values(node.cpu_pinning))

describe('servers on the NUMA cells of one host', () => {
  let cloud: ApiCloud
  before(async () => {
    cloud = await startNumaCloud(['host-1'], filters)
  })
  after(() => cloud.close())

  test('the host offers CPUs of both kinds to placement', async () => {
    const [node] = await cloud.store.computeNodes.list()
    const { PCPU, VCPU } = await cloud.placement.port.inventories(node?.uuid ?? '')
    assert.deepEqual([PCPU?.total, PCPU?.allocationRatio, VCPU?.total], [8, 1, 8])
  })

  test('pinned CPUs are siblings of one cell, shown to the operator, and free again afterwards', async () => {
    const flavor = await flavorOf(cloud, 2, { 'hw:cpu_policy': 'dedicated' })
    const id = await bootOf(cloud, flavor)
    const topology = await topologyOf(cloud, id)
    assert.equal(topology.nodes.length, 1)
    const [first, second] = pinsOf(topology).toSorted((a, b) => a - b)
    assert.equal((second ?? 0) - (first ?? 0), 4, JSON.stringify(topology))
    await remove(cloud, id)
    assert.deepEqual(await cloud.store.hostClaims.all(), [])
  })

  test('two nodes lie on two cells', async () => {
    const flavor = await flavorOf(cloud, 4, { 'hw:numa_nodes': '2', 'hw:cpu_policy': 'dedicated' })
    const id = await bootOf(cloud, flavor)
    const { nodes } = await topologyOf(cloud, id)
    assert.deepEqual(nodes.map((node: Json) => node.host_node).sort(), [0, 1])
    assert.deepEqual(
      nodes.map((node: Json) => node.vcpu_set),
      [
        [0, 1],
        [2, 3],
      ],
    )
    await remove(cloud, id)
  })

  test('huge pages are given from the cell that has them, and not twice', async () => {
    const flavor = await flavorOf(cloud, 1, { 'hw:mem_page_size': 'large' }, 1024)
    const id = await bootOf(cloud, flavor)
    const topology = await topologyOf(cloud, id)
    assert.deepEqual([topology.pagesize_kb, topology.nodes[0].host_node], [2048, 0])
    const other = await bootOf(cloud, flavor, 'ERROR')
    const { fault } = await cloud.server(other, { as: cloud.admin })
    assert.match(
      fault.message,
      /NUMATopologyFilter: cell 0: pages for 1024 MiB needed, 0 free of 2 MiB; cell 1: it has no large pages/,
    )
    await remove(cloud, id)
    await remove(cloud, other)
  })

  test('of servers that want the last own CPU at once exactly one gets it, the others are told why', async () => {
    const seven = await flavorOf(cloud, 3, { 'hw:cpu_policy': 'dedicated' })
    const kept = [await bootOf(cloud, seven), await bootOf(cloud, seven)]
    const one = await flavorOf(cloud, 2, { 'hw:cpu_policy': 'dedicated' })
    const { body } = await cloud.request('POST', '/servers', {
      body: {
        server: { name: 'x', imageRef: cloud.imageId, flavorRef: one, networks: 'none' },
      },
      version: newest,
    })
    const lone = (await cloud.waitForStatus(body.server.id, 'ERROR')) as Json
    assert.match(lone.fault.message, /No valid host was found/)
    const single = await flavorOf(cloud, 1, { 'hw:cpu_policy': 'dedicated' })
    const asked = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const made = await cloud.request('POST', '/servers', {
          body: { server: { name: 'x', imageRef: cloud.imageId, flavorRef: single, networks: 'none' } },
          version: newest,
        })
        return made.body.server.id as string
      }),
    )
    const settled = await Promise.all(asked.map(id => settledServer(cloud, id)))
    assert.equal(settled.filter(server => server.status === 'ACTIVE').length, 2)
    for (const server of settled.filter(one => one.status === 'ERROR'))
      assert.match(server.fault.message, /^No valid host was found\. /)
    const pins = (await cloud.store.hostClaims.all()).flatMap(
      claim => claim.numa?.cells.flatMap(cell => cell.pins.map(([, cpu]) => cpu)) ?? [],
    )
    assert.equal(new Set(pins).size, 8)
    for (const id of [...kept, lone.id, ...asked]) await remove(cloud, id)
    assert.deepEqual(await cloud.store.hostClaims.all(), [])
  })
})

describe('hosts on which nobody says whose the CPUs are', () => {
  let cloud: ApiCloud
  before(async () => {
    cloud = await startCloud({
      hosts: ['host-1', 'host-2'],
      hardware: { cells: evenCells({ cells: 2, cpus: 4, threadsPerCore: 1, memoryMiB: 4096, pages: [] }) },
      quotas: { cores: 1000, instances: 1000, ram: 1_000_000 },
    })
  })
  after(() => cloud.close())

  test('without the filter, and with room in placement, no CPU is given twice', async () => {
    const flavorRef = await flavorOf(cloud, 1, { 'hw:cpu_policy': 'dedicated' })
    const asked = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const server = { name: 'x', imageRef: cloud.imageId, flavorRef, networks: 'none' }
        const made = await cloud.request('POST', '/servers', { body: { server }, version: newest })
        return made.body.server.id as string
      }),
    )
    const settled = await Promise.all(asked.map(id => settledServer(cloud, id)))
    assert.equal(settled.filter(server => server.status === 'ACTIVE').length, 8)
    for (const server of settled.filter(one => one.status === 'ERROR'))
      assert.match(server.fault.message, /HostClaim: cell 0: 1 dedicated CPUs needed, 0 of 2 free; cell 1: /)
    const claims = await cloud.store.hostClaims.all()
    const taken = claims.flatMap(
      ({ nodeId, numa }) => numa?.cells.flatMap(cell => cell.pins.map(([, cpu]) => `${nodeId} ${cpu}`)) ?? [],
    )
    assert.deepEqual([taken.length, new Set(taken).size], [8, 8])
    const held = await Promise.all(asked.map(async id => (await cloud.placement.port.consumer(id)).allocations))
    assert.equal(held.filter(allocations => Object.keys(allocations).length > 0).length, 8)
  })

  test('several servers of one request, and more nodes than a host has', async () => {
    const claims = await cloud.store.hostClaims.all()
    for (const { instanceId } of claims) await remove(cloud, instanceId)
    const flavorRef = await flavorOf(cloud, 2, { 'hw:cpu_policy': 'dedicated' })
    const server = {
      name: 'x',
      imageRef: cloud.imageId,
      flavorRef,
      networks: 'none',
      min_count: 4,
      return_reservation_id: true,
    }
    const many = await cloud.request('POST', '/servers', { body: { server }, version: newest })
    const path = `/servers?reservation_id=${many.body.reservation_id}`
    const { servers } = (await cloud.request('GET', path)).body
    assert.equal(servers.length, 4)
    for (const { id } of servers) assert.equal((await settledServer(cloud, id)).status, 'ACTIVE')
    assert.equal((await cloud.store.hostClaims.all()).length, 4)
    const three = await flavorOf(cloud, 3, { 'hw:numa_nodes': '3' }, 192)
    const none = await cloud.bootServer({ fields: { flavorRef: three }, status: 'ERROR' })
    const { fault } = await cloud.server(none, { as: cloud.admin })
    assert.match(fault.message, /3 NUMA cells needed, it has 2/)
  })
})

describe('a resize on one host', () => {
  let cloud: ApiCloud
  before(async () => {
    cloud = await startCloud({
      hardware: { cells },
      settings: { allowsResizeToSameHost: true },
      quotas: { cores: 1000, instances: 1000, ram: 1_000_000 },
    })
  })
  after(() => cloud.close())

  const pins = async () =>
    Object.fromEntries(
      (await cloud.store.hostClaims.all()).map(({ consumerId, numa }) => [
        consumerId,
        numa?.cells.flatMap(cell => cell.pins).length,
      ]),
    )
  const act = async (id: string, body: Json, status: string) => {
    await cloud.request('POST', `/servers/${id}/action`, { version: newest, body })
    return cloud.waitForStatus(id, status)
  }

  test('old and new CPUs are held until it is confirmed or reverted, then only those that the server has', async () => {
    const small = await flavorOf(cloud, 2, { 'hw:cpu_policy': 'dedicated' })
    const large = await flavorOf(cloud, 3, { 'hw:cpu_policy': 'dedicated' })
    const id = await bootOf(cloud, small)
    const before = pinsOf(await topologyOf(cloud, id))
    await act(id, { resize: { flavorRef: large } }, 'VERIFY_RESIZE')
    assert.deepEqual(Object.values(await pins()).sort(), [2, 3])
    const during = pinsOf(await topologyOf(cloud, id))
    assert.equal(new Set([...before, ...during]).size, 5)
    await act(id, { revertResize: null }, 'ACTIVE')
    assert.deepEqual(await pins(), { [id]: 2 })
    assert.deepEqual(pinsOf(await topologyOf(cloud, id)), before)
    await act(id, { resize: { flavorRef: large } }, 'VERIFY_RESIZE')
    await act(id, { confirmResize: null }, 'ACTIVE')
    assert.deepEqual(await pins(), { [id]: 3 })
    const there = cloud.driver.recordOf(id as never)?.spec.numa?.cells.flatMap(cell => cell.pins.map(([, cpu]) => cpu))
    assert.deepEqual(there, pinsOf(await topologyOf(cloud, id)))
    await remove(cloud, id)
    assert.deepEqual(await pins(), {})
  })
})

const settledServer = (cloud: ApiCloud, id: string): Promise<Json> =>
  waitFor(
    'the server to settle',
    async () => {
      const server = await cloud.server(id, { as: cloud.admin })
      return ['ACTIVE', 'ERROR'].includes(server.status) && server['OS-EXT-STS:task_state'] === null
        ? server
        : undefined
    },
    { deadlineMs: 60_000, everyMs: 5 },
  )
