import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer({ name: 'shown' })
})
after(() => cloud.close())

/** What a server shows at 2.1, and what each later version adds; from Nova's own samples. */
const first = (
  'OS-DCF:diskConfig OS-EXT-AZ:availability_zone OS-EXT-STS:power_state OS-EXT-STS:task_state OS-EXT-STS:vm_state ' +
  'OS-SRV-USG:launched_at OS-SRV-USG:terminated_at accessIPv4 accessIPv6 addresses config_drive created flavor hostId ' +
  'id image key_name links metadata name os-extended-volumes:volumes_attached progress security_groups status ' +
  'tenant_id updated user_id'
).split(' ')
const attribute = (name: string): string => `OS-EXT-SRV-ATTR:${name}`
const administratorsFirst = ['host', 'instance_name', 'hypervisor_hostname'].map(attribute)
const added: readonly (readonly [version: string, forAll: readonly string[], forAdmins?: readonly string[]])[] = [
  ['2.1', first, administratorsFirst],
  [
    '2.3',
    [],
    ['reservation_id', 'launch_index', 'hostname', 'kernel_id', 'ramdisk_id', 'root_device_name', 'user_data'].map(
      attribute,
    ),
  ],
  ['2.9', ['locked']],
  ['2.16', [], ['host_status']],
  ['2.19', ['description']],
  ['2.26', ['tags']],
  ['2.63', ['trusted_image_certificates']],
  ['2.71', ['server_groups']],
  ['2.73', ['locked_reason']],
  ['2.90', [attribute('hostname')]],
  ['2.96', ['pinned_availability_zone']],
  ['2.100', ['scheduler_hints']],
]
const minor = (version: string) => Number(version.split('.')[1])

const keysAt = (version: string, isAdmin: boolean): string[] => {
  const steps = added.filter(([since]) => minor(since) <= minor(version))
  return [...new Set(steps.flatMap(([, forAll, forAdmins = []]) => [...forAll, ...(isAdmin ? forAdmins : [])]))].sort()
}

for (const [version] of added) {
  const before = `2.${minor(version) - 1}`
  test(`the server at ${version}${version === '2.1' ? '' : ` and just before`}`, async () => {
    for (const at of version === '2.1' ? [version] : [before, version]) {
      for (const as of [cloud.member, cloud.admin]) {
        const keys = Object.keys(await cloud.server(id, { version: at, as })).sort()
        assert.deepEqual(keys, keysAt(at, as === cloud.admin), `${at}, ${as === cloud.admin ? 'admin' : 'member'}`)
      }
    }
  })
}

test('a list in detail shows the same, but for the groups', async () => {
  for (const version of ['2.1', '2.63', newest]) {
    const { servers } = (await cloud.request('GET', '/servers/detail', { version })).expect(200).body
    const { server_groups: _, ...shown } = await cloud.server(id, { version })
    assert.deepEqual(servers, [shown])
  }
})

test('2.47: the flavor as it was, not where it is', async () => {
  const link = { rel: 'bookmark', href: `${cloud.url}/flavors/${cloud.flavorId}` }
  assert.deepEqual((await cloud.server(id, { version: '2.46' })).flavor, { id: cloud.flavorId, links: [link] })
  assert.deepEqual((await cloud.server(id, { version: '2.47' })).flavor, {
    vcpus: 1,
    ram: 128,
    disk: 1,
    ephemeral: 0,
    swap: 0,
    original_name: 'm1.test',
    extra_specs: {},
  })
})

test('2.98: the properties of the image', async () => {
  assert.deepEqual(Object.keys((await cloud.server(id, { version: '2.97' })).image), ['id', 'links'])
  assert.equal((await cloud.server(id, { version: '2.98' })).image.properties.os_distro, 'debian')
})

test('values as clients know them', async () => {
  const server = await cloud.server(id, { as: cloud.admin })
  assert.match(server.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.match(server['OS-SRV-USG:launched_at'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.equal(server.hostId, createHash('sha224').update(`${cloud.member.projectId}host-1`).digest('hex'))
  const { status, config_drive, key_name, accessIPv4, tenant_id, user_id, host_status } = server
  assert.deepEqual(
    { status, config_drive, key_name, accessIPv4, tenant_id, user_id, host_status },
    {
      status: 'ACTIVE',
      config_drive: '',
      key_name: null,
      accessIPv4: '',
      host_status: 'UP',
      tenant_id: cloud.member.projectId,
      user_id: cloud.member.userId,
    },
  )
  assert.equal(server[attribute('host')], 'host-1')
  assert.equal(server[attribute('hostname')], 'shown')
  assert.deepEqual(server.links, [
    { rel: 'self', href: `${cloud.url}/v2.1/servers/${id}` },
    { rel: 'bookmark', href: `${cloud.url}/servers/${id}` },
  ])
  const { projectId } = cloud.member
  const inProject = (await cloud.request('GET', `/${projectId}/servers/${id}`)).expect(200).body.server.links
  assert.deepEqual(inProject[0].href, `${cloud.url}/v2.1/${projectId}/servers/${id}`)
})

test('rename, describe; below 2.75 the answer is a part of the server', async () => {
  const put = async (server: unknown, version: string) =>
    (await cloud.request('PUT', `/servers/${id}`, { version, body: { server } })).expect(200).body.server
  const before = await put({ name: 'renamed', description: 'mine' }, '2.74')
  assert.equal(before.name, 'renamed')
  assert.ok(!('key_name' in before) && !('OS-EXT-STS:vm_state' in before) && 'server_groups' in before)
  const after = await put({ name: 'shown', description: null }, '2.75')
  assert.deepEqual(Object.keys(after).sort(), keysAt('2.75', false))
  assert.equal(after.description, null)
  const refused = await cloud.request('PUT', `/servers/${id}`, {
    version: '2.18',
    body: { server: { description: 'x' } },
  })
  refused.refuses(400, /'description' was unexpected/)
})
