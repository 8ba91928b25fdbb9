import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { callerOf, type Reply, type Running, startNetwork } from './harness.ts'

let running: Running
before(async () => {
  running = await startNetwork()
})
after(() => running.close())

const get = (path: string, token?: string): Promise<Reply> => running.api('GET', `/v2.0${path}`, undefined, token)
const topology = (project: string, token?: string) => get(`/auto-allocated-topology/${project}`, token)

test('without a way out nobody gets a network by himself', async () => {
  const { status, body } = await topology('alpha')
  assert.equal(status, 409)
  assert.equal(body.NeutronError.type, 'AutoAllocationFailure')
  assert.equal((await topology('alpha?fields=dry-run')).status, 409)
  assert.equal(await running.service.port.automaticNetwork(callerOf('alpha', ['member']), 'alpha'), undefined)
})

test('whoever asks first makes network, subnet and router; all get the same', async () => {
  const inside = await running.service.ensureDefaultNetwork({ projectId: 'ops', name: 'private' })
  await running.service.ensurePublicNetwork({ projectId: 'ops', name: 'public', insideId: inside.id })
  assert.equal((await topology('alpha?fields=dry-run')).body.auto_allocated_topology.id, 'dry-run=pass')
  assert.deepEqual((await get('/networks?project_id=alpha')).body.networks, [])
  const asked = await Promise.all(Array.from({ length: 8 }, () => topology('alpha')))
  const ids = new Set(asked.map(({ body }) => body.auto_allocated_topology.id))
  assert.equal(ids.size, 1)
  const { networks } = (await get('/networks?project_id=alpha')).body
  assert.deepEqual(
    networks.map((n: { name: string; id: string }) => [n.name, ids.has(n.id)]),
    [['auto_allocated_network', true]],
  )
  const { routers } = (await get('/routers')).body
  assert.equal(routers.length, 1)
  assert.equal(routers[0].external_gateway_info.enable_snat, true)
  const { ports } = (await get(`/ports?device_id=${routers[0].id}`)).body
  assert.ok(ports.some((p: { network_id: string }) => ids.has(p.network_id)))
})

test('projects get networks that do not overlap, and only their own', async () => {
  assert.equal((await topology('alpha', 'beta:member')).status, 403)
  await topology('None', 'beta:member')
  await topology('gamma', 'ops:admin')
  const { subnets } = (await get('/subnets?name=auto_allocated_subnet_v4', 'ops:admin')).body
  assert.equal(subnets.length, 3)
  assert.equal(new Set(subnets.map((s: { cidr: string }) => s.cidr)).size, 3)
})
