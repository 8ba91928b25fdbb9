import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { cores: -1, ram: -1 } })
})
after(() => cloud.close())

const layout = async (name: string, specs: Readonly<Record<string, string>>, fields = {}) => {
  const flavorRef = await cloud.newFlavor({ name, ram: 256, vcpus: 4, ...fields })
  const path = `/flavors/${flavorRef}/os-extra_specs`
  ;(await cloud.request('POST', path, { as: cloud.admin, body: { extra_specs: specs } })).expect(200)
  return flavorRef
}
const topology = (id: string, ask = {}) => cloud.request('GET', `/servers/${id}/topology`, { version: '2.78', ...ask })

test('a server that leaves its layout to the host has no nodes', async () => {
  const id = await cloud.bootServer()
  assert.deepEqual((await topology(id)).expect(200).body, { nodes: [], pagesize_kb: null })
  ;(await topology(id, { version: '2.77' })).expect(404)
  ;(await topology(id, { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  const { href } = { href: `/servers/${id}/topology?x=1` }
  ;(await cloud.request('GET', href, { version: '2.101' })).expect(200)
  ;(await cloud.request('GET', href, { version: newest })).expect(400)
})

test('nodes as the flavor wants them; the side of the host for administrators', async () => {
  const even = await cloud.bootServer({ fields: { flavorRef: await layout('even', { 'hw:numa_nodes': '2' }) } })
  assert.deepEqual((await topology(even, { as: cloud.reader })).expect(200).body, {
    nodes: [
      { vcpu_set: [0, 1], siblings: [], memory_mb: 128 },
      { vcpu_set: [2, 3], siblings: [], memory_mb: 128 },
    ],
    pagesize_kb: null,
  })
  const [first, second] = (await topology(even, { as: cloud.admin })).body.nodes
  assert.deepEqual([first.host_node, second.host_node], [0, 1])
  assert.deepEqual(second.cpu_pinning, {})

  const specs = { 'hw:numa_nodes': '2', 'hw:numa_cpus.0': '0-3,^2', 'hw:numa_cpus.1': '2' }
  const memory = { 'hw:numa_mem.0': '200', 'hw:numa_mem.1': '56' }
  const flavorRef = await layout('named', { ...specs, ...memory, 'hw:mem_page_size': '2MB' })
  const named = await cloud.bootServer({ fields: { flavorRef } })
  assert.deepEqual((await topology(named)).body, {
    nodes: [
      { vcpu_set: [0, 1, 3], siblings: [], memory_mb: 200 },
      { vcpu_set: [2], siblings: [], memory_mb: 56 },
    ],
    pagesize_kb: 2048,
  })
})

test('a resize to such a flavor is refused as well', async () => {
  const id = await cloud.bootServer()
  const resize = { flavorRef: await layout('uneven too', { 'hw:numa_nodes': '3' }) }
  const answer = await cloud.request('POST', `/servers/${id}/action`, { version: newest, body: { resize } })
  answer.refuses(400, /^Instance CPUs and\/or memory cannot be evenly distributed/)
})

const refused: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'no number',
    { 'hw:numa_nodes': 'x' },
    "The property 'numa_nodes' cannot be 'x'. It must be a number greater than 0",
  ],
  [
    'uneven',
    { 'hw:numa_nodes': '3' },
    'Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. ' +
      'Explicit assignment of CPUs and memory to nodes is required',
  ],
  [
    'half named',
    { 'hw:numa_nodes': '1', 'hw:numa_cpus.0': '0-3' },
    'CPU and memory allocation must be provided for all NUMA nodes',
  ],
  [
    'too far',
    { 'hw:numa_nodes': '1', 'hw:numa_cpus.0': '0-4', 'hw:numa_mem.0': '256' },
    'CPU number 4 is larger than max 3',
  ],
  [
    'too little memory',
    { 'hw:numa_nodes': '1', 'hw:numa_cpus.0': '0-3', 'hw:numa_mem.0': '255' },
    '255 MB of memory assigned, but expected 256 MB',
  ],
  [
    'threads without pins',
    { 'hw:cpu_thread_policy': 'isolate' },
    'Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy',
  ],
  ['a page', { 'hw:mem_page_size': 'wide' }, "Invalid memory page size 'wide'"],
]
for (const [name, specs, words] of refused) {
  test(`a layout that cannot be is refused when the server is asked for: ${name}`, async () => {
    const flavorRef = await layout(name, specs)
    const server = { name: 'no', flavorRef, imageRef: cloud.imageId, networks: 'none' }
    ;(await cloud.request('POST', '/servers', { version: newest, body: { server } })).refuses(400, words)
  })
}
