import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Running, startNetwork } from './harness.ts'

let running: Running
let portId: string
const admin = 'ops:admin'

before(async () => {
  running = await startNetwork()
  const { id } = await running.service.ensureDefaultNetwork({ projectId: 'alpha', name: 'n', cidr: '10.1.0.0/24' })
  const port = { network_id: id, device_id: 'vm', device_owner: 'compute:nova', 'binding:host_id': 'one' }
  portId = (await running.api('POST', '/v2.0/ports', { port }, admin)).body.port.id
})
after(() => running.close())

const call = (method: string, rest = '', body?: unknown, token = admin) =>
  running.api(method, `/v2.0/ports/${portId}/bindings${rest}`, body, token)

test('bindings are made, shown, changed, activated and deleted as binding-extended says', async () => {
  const made = await call('POST', '', { binding: { host: 'two', profile: { migrating_to: 'two' } } })
  assert.equal(made.status, 201)
  const two = {
    host: 'two',
    vif_type: 'bridge',
    vnic_type: 'normal',
    status: 'INACTIVE',
    profile: { migrating_to: 'two' },
    vif_details: made.body.binding.vif_details,
  }
  assert.deepEqual(made.body.binding, two)
  assert.deepEqual((await call('GET', '/two')).body.binding, two)
  const all = (await call('GET')).body.bindings
  assert.deepEqual(
    all.map((b: { host: string; status: string }) => [b.host, b.status]),
    [
      ['one', 'ACTIVE'],
      ['two', 'INACTIVE'],
    ],
  )
  assert.deepEqual((await call('GET', '?status=INACTIVE&fields=host')).body.bindings, [{ host: 'two' }])
  const changed = await call('PUT', '/two', { binding: { profile: {} } })
  assert.deepEqual([changed.status, changed.body.binding.profile], [200, {}])
  const active = await call('PUT', '/two/activate')
  assert.deepEqual([active.status, active.body.status, active.body.host], [200, 'ACTIVE', 'two'])
  const { port } = (await running.api('GET', `/v2.0/ports/${portId}`, undefined, admin)).body
  assert.deepEqual([port['binding:host_id'], port.status], ['two', 'DOWN'])
  assert.equal((await call('DELETE', '/one')).status, 204)
  assert.equal((await call('GET', '/one')).status, 404)
})

test('refusals are Neutron’s', async () => {
  const again = await call('POST', '', { binding: { host: 'two' } })
  assert.deepEqual([again.status, again.body.NeutronError.type], [409, 'PortBindingAlreadyExists'])
  const active = await call('PUT', '/two/activate')
  assert.deepEqual([active.status, active.body.NeutronError.type], [409, 'PortBindingAlreadyActive'])
  const none = await call('PUT', '/three/activate')
  assert.equal(none.body.NeutronError.message, `Binding for port ${portId} for host three could not be found.`)
  assert.equal((await call('GET', '', undefined, 'alpha:member')).status, 403)
  assert.equal((await call('POST', '', { binding: {} })).status, 400)
})
