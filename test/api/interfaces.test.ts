import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { HypervisorError } from '#virt'
import { type Answer, type ApiCloud, type Ask, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
let backend: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
  backend = await cloud.newNetwork('backend', '10.8.0.0/29')
})
after(() => cloud.close())

const at = (method: string, path = '', ask: Ask = {}): Promise<Answer> =>
  cloud.request(method, `/servers/${id}/os-interface${path}`, { version: '2.70', ...ask })
const attach = (interfaceAttachment: unknown, ask: Ask = {}) =>
  at('POST', '', { ...ask, body: { interfaceAttachment } })
const list = async (): Promise<Json[]> => (await at('GET')).expect(200).body.interfaceAttachments
const detach = async (portId: string) => {
  ;(await at('DELETE', `/${portId}`)).expect(202)
  await waitFor(
    'the interface to go',
    async () => ((await list()).some(i => i.port_id === portId) ? undefined : true),
    {
      deadlineMs: 60_000,
      everyMs: 5,
    },
  )
}
const newPort = async (port: object = {}): Promise<Json> =>
  (await cloud.neutron('POST', '/ports', { port: { network_id: backend, ...port } })).port
const macs = () =>
  cloud.driver
    .guest(instanceId(id))
    .diagnostics()
    .then(d => d.nics.map(nic => nic.mac))

test('the interfaces of a new server', async () => {
  const found = await list()
  assert.equal(found.length, 1)
  const [{ fixed_ips, ...rest }] = found
  const { port_id, mac_addr } = rest
  assert.deepEqual(rest, { net_id: cloud.networkId, port_id, mac_addr, port_state: 'ACTIVE', tag: null })
  assert.match(fixed_ips[0].ip_address, /^10\.7\.0\.\d+$/)
  assert.deepEqual((await at('GET', `/${port_id}`)).expect(200).body, { interfaceAttachment: found[0] })
  const before270 = (await at('GET', '', { version: '2.69' })).body.interfaceAttachments[0]
  assert.deepEqual(Object.keys(before270).sort(), ['fixed_ips', 'mac_addr', 'net_id', 'port_id', 'port_state'])
})

test('attach a network with a tag: the answer is the finished interface', async () => {
  const made = (await attach({ net_id: backend, tag: 'data' })).expect(200).body.interfaceAttachment
  assert.equal(made.net_id, backend)
  assert.equal(made.tag, 'data')
  assert.match(made.fixed_ips[0].ip_address, /^10\.8\.0\.\d$/)
  assert.ok((await macs()).includes(made.mac_addr))
  assert.deepEqual(Object.keys((await cloud.server(id)).addresses), ['private', 'backend'])
  await detach(made.port_id)
  assert.ok(!(await macs()).includes(made.mac_addr))
  // A port that we made goes with its interface.
  ;(await at('GET', `/${made.port_id}`)).refuses(404, `Port id ${made.port_id} could not be found.`)
  const log = await cloud.request('GET', `/servers/${id}/os-instance-actions`)
  const names = log.body.instanceActions.map((a: Json) => a.action)
  assert.deepEqual(names.slice(0, 2), ['detach_interface', 'attach_interface'])
})

test('attach a port: it is the same one, and the user keeps it', async () => {
  const port = await newPort()
  const made = (await attach({ port_id: port.id })).expect(200).body.interfaceAttachment
  assert.equal(made.port_id, port.id)
  assert.equal(made.mac_addr, port.mac_address)
  ;(await attach({ port_id: port.id })).refuses(409, `Port ${port.id} is still in use.`)
  await detach(port.id)
  const kept = (await cloud.neutron('GET', `/ports/${port.id}`)).port
  assert.equal(kept.device_id, '')
  ;(await at('GET', `/${port.id}`)).refuses(404, `Instance ${id} does not have a port with id ${port.id}`)
  await cloud.neutron('DELETE', `/ports/${port.id}`)
})

test('attach an address', async () => {
  const made = (await attach({ net_id: backend, fixed_ips: [{ ip_address: '10.8.0.5' }] })).expect(200).body
  const { fixed_ips, port_id } = made.interfaceAttachment
  assert.equal(fixed_ips[0].ip_address, '10.8.0.5')
  const again = await attach({ net_id: backend, fixed_ips: [{ ip_address: '10.8.0.5' }] })
  again.refuses(409, 'Fixed IP 10.8.0.5 is already in use.')
  ;(await attach({ net_id: backend, fixed_ips: [{ ip_address: '10.99.0.1' }] })).expect(400)
  await detach(port_id)
})

test('without words: the only network, or a 400', async () => {
  ;(await at('POST', '', { body: {} })).refuses(
    400,
    'Multiple possible networks found, use a Network ID to be more specific.',
  )
  const { stranger } = cloud
  const own = await cloud.newNetwork('theirs', '10.9.0.0/24', stranger)
  const server = await cloud.bootServer({ as: stranger, fields: { networks: [{ uuid: own }] } })
  const path = `/servers/${server}/os-interface`
  const made = (await cloud.request('POST', path, { as: stranger, body: {} })).expect(200).body
  assert.equal(made.interfaceAttachment.net_id, own)
  const lonely = await cloud.add('lonely', 'member')
  const bare = await cloud.bootServer({ as: lonely, fields: { networks: 'none' } })
  const refused = await cloud.request('POST', `/servers/${bare}/os-interface`, { as: lonely, body: {} })
  refused.refuses(400, `No specific network was requested and none are available for project '${lonely.projectId}'.`)
})

test('what does not go together or does not exist', async () => {
  const nothing = newUuid()
  ;(await attach({ net_id: backend, port_id: nothing })).refuses(400, 'Must not input both network_id and port_id')
  ;(await attach({ fixed_ips: [{ ip_address: '10.8.0.5' }] })).refuses(
    400,
    'Must input network_id when request IP address',
  )
  ;(await attach({ port_id: nothing })).refuses(404, `Port id ${nothing} could not be found.`)
  ;(await attach({ net_id: nothing })).refuses(404, `Network ${nothing} could not be found.`)
  ;(await attach({ net_id: backend, tag: 'x' }, { version: '2.48' })).refuses(400, /Additional properties/)
  ;(await attach({ net_id: backend, fixed_ips: [] })).expect(400)
  ;(await at('GET', `/${nothing}`)).refuses(404, `Port id ${nothing} could not be found.`)
  ;(await at('DELETE', `/${nothing}`)).refuses(404, `Port ${nothing} is not attached`)
  const foreign = await cloud.newNetwork('foreign', '10.10.0.0/24', cloud.stranger)
  ;(await attach({ net_id: foreign })).refuses(404, `Network ${foreign} could not be found.`)
  const { port } = await cloud.neutron('POST', '/ports', { port: { network_id: foreign } }, cloud.stranger)
  ;(await attach({ port_id: port.id }, { as: cloud.admin })).refuses(
    400,
    `Port ${port.id} not usable for instance ${id}.`,
  )
})

test('a full network, a host that fails: nothing is left behind', async () => {
  const before = await list()
  const small = await cloud.newNetwork('small', '10.11.0.0/30')
  // Its gateway has one of the two addresses.
  const one = (await attach({ net_id: small })).expect(200).body.interfaceAttachment
  ;(await attach({ net_id: small })).refuses(400, `No fixed IP addresses available for network: ${small}`)
  await detach(one.port_id)
  cloud.driver.failNext('attachVif', HypervisorError({ operation: 'attach', reason: 'no slot' }))
  ;(await attach({ net_id: backend })).refuses(500, `Failed to attach network adapter device to ${id}`)
  assert.deepEqual(await list(), before)
  const { ports } = await cloud.neutron('GET', `/ports?network_id=${backend}&device_id=${id}`)
  assert.deepEqual(ports, [])
  assert.equal((await cloud.server(id)).status, 'ACTIVE')
})

test('several at once: each is answered with its own', async () => {
  const made = await Promise.all(
    Array.from({ length: 3 }, async () => (await attach({ net_id: backend })).expect(200).body.interfaceAttachment),
  )
  assert.equal((await list()).length, 4)
  assert.equal(new Set(made.map(i => i.port_id)).size, 3)
  for (const { port_id } of made) await detach(port_id)
})

test('locks, states, rights', async () => {
  const [{ port_id }] = await list()
  const act = async (body: unknown) =>
    (await cloud.request('POST', `/servers/${id}/action`, { as: cloud.admin, body })).expect(202)
  await act({ lock: null })
  ;(await attach({ net_id: backend })).refuses(409, `Instance ${id} is locked`)
  ;(await at('DELETE', `/${port_id}`)).refuses(409, `Instance ${id} is locked`)
  await act({ unlock: null })
  await act({ 'os-resetState': { state: 'error' } })
  ;(await attach({ net_id: backend })).refuses(
    409,
    `Cannot 'attach_interface' instance ${id} while it is in vm_state error`,
  )
  ;(await at('DELETE', `/${port_id}`)).refuses(
    409,
    `Cannot 'detach_interface' instance ${id} while it is in vm_state error`,
  )
  await act({ 'os-resetState': { state: 'active' } })
  ;(await at('GET', '', { as: cloud.reader })).expect(200)
  ;(await attach({ net_id: backend }, { as: cloud.reader })).expect(403)
  ;(await at('DELETE', `/${port_id}`, { as: cloud.reader })).expect(403)
  ;(await at('GET', '', { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  ;(await at('GET', '?x=1', { version: '2.102' })).expect(400)
})
