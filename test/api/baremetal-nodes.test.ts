import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

test('without an Ironic the nodes are not supported, once policy has let the caller in', async () => {
  for (const [path, rule] of [
    ['/os-baremetal-nodes', 'list'],
    ['/os-baremetal-nodes/1', 'show'],
  ] as const) {
    ;(await cloud.request('GET', path, { as: cloud.admin })).refuses(
      501,
      'The requested functionality is not supported.',
    )
    ;(await cloud.request('GET', path)).refuses(
      403,
      `Policy doesn't allow os_compute_api:os-baremetal-nodes:${rule} to be performed.`,
    )
    ;(await cloud.request('GET', path, { as: cloud.admin, version: '2.35' })).expect(501)
    ;(await cloud.request('GET', path, { as: cloud.admin, version: '2.36' })).expect(404)
  }
})

test('changes are for Ironic', async () => {
  const words = (command: string) =>
    `Command Not supported. Please use Ironic command ${command} to perform this action.`
  const path = '/os-baremetal-nodes'
  ;(await cloud.request('POST', path, { body: {} })).refuses(400, words('node-create'))
  ;(await cloud.request('DELETE', `${path}/1`)).refuses(400, words('node-delete'))
  const action = (key: string) => cloud.request('POST', `${path}/1/action`, { body: { [key]: { address: 'x' } } })
  ;(await action('add_interface')).refuses(400, words('port-create'))
  ;(await action('remove_interface')).refuses(400, words('port-delete'))
  ;(await cloud.request('DELETE', `${path}/1`, { version: '2.36' })).expect(404)
})

const machine = {
  uuid: '058d27fa-241b-445a-a386-08c04f96db43',
  provision_state: 'active',
  instance_uuid: '1ea4e53e-149a-4f02-9515-590c9fb2315a',
  properties: { cpus: '2', memory_mb: 1024, local_gb: '10', cpu_arch: 'x86_64' },
}
const spare = {
  uuid: '058d27fa-241b-445a-a386-08c04f96db44',
  provision_state: null,
  instance_uuid: null,
  properties: {},
}

test('with an Ironic in the catalogue its nodes are shown, over all its pages', async () => {
  const answers: Readonly<Record<string, unknown>> = {
    '/v1/nodes/detail': { nodes: [machine], next: 'NEXT' },
    '/v1/nodes/detail?marker=x': { nodes: [spare] },
    [`/v1/nodes/${machine.uuid}`]: machine,
    [`/v1/nodes/${machine.uuid}/ports`]: { ports: [{ uuid: 'p', address: '52:54:00:00:00:01' }] },
  }
  const tokens = new Set<unknown>()
  const ironic = createServer((request, response) => {
    tokens.add(request.headers['x-auth-token'])
    const found = answers[request.url ?? '']
    const next = `http://${request.headers.host}/v1/nodes/detail?marker=x`
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}).replace('NEXT', next))
  })
  await new Promise<void>(resolve => ironic.listen(0, '127.0.0.1', resolve))
  const { port } = ironic.address() as AddressInfo
  const catalog = [{ type: 'baremetal', name: 'ironic', endpoints: { public: `http://127.0.0.1:${port}` } }]
  const other = await startCloud({ catalog })
  try {
    const get = (path: string) => other.request('GET', `/os-baremetal-nodes${path}`, { as: other.admin })
    const shown = { host: 'IRONIC MANAGED', interfaces: [] }
    const first = { ...shown, id: machine.uuid, task_state: 'active', cpus: '2', memory_mb: 1024, disk_gb: '10' }
    assert.deepEqual((await get('')).expect(200).body.nodes, [
      first,
      { ...shown, id: spare.uuid, task_state: null, cpus: 0, memory_mb: 0, disk_gb: 0 },
    ])
    assert.deepEqual((await get(`/${machine.uuid}`)).expect(200).body.node, {
      ...first,
      interfaces: [{ address: '52:54:00:00:00:01' }],
      instance_uuid: machine.instance_uuid,
    })
    ;(await get('/nobody')).refuses(404, 'Node nobody could not be found.')
    assert.equal(tokens.size, 1)
    assert.notEqual([...tokens][0], undefined)
  } finally {
    await other.close()
    ironic.closeAllConnections()
    ironic.close()
  }
})
