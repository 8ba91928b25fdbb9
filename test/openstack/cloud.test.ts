/** The ordinary client's commands against our services on MariaDB and RabbitMQ, with Debian's neighbours, on simulated hosts. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork, session } from '../cli/session.ts'
import { Rest } from '../cloud/rest.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, environment, type Nova, startNova } from './nova.ts'

interface Shown {
  readonly id: string
  readonly status: string
  readonly addresses: Readonly<Record<string, readonly string[]>>
  readonly volumes_attached?: readonly { readonly id: string }[]
}

describe("our services beside Debian's", () => {
  let file: NeighboursFile
  let nova: Nova
  let admin: Rest
  before(async () => {
    file = neighboursFile()
    nova = await startNova(file, ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'], {
      host: 'simulated-1',
    })
    admin = await Rest.login(file.urls.identity, 'admin', file.passwords.admin, 'admin')
    await waitFor(
      'the host to be in placement',
      async () => {
        const { resource_providers: found } = await admin.call<{ resource_providers: unknown[] }>(
          'placement',
          'GET',
          '/resource_providers',
        )
        return found.length > 0 || undefined
      },
      { deadlineMs: 60_000, everyMs: 250 },
    )
  })
  after(() => nova?.close())

  const work = (...commands: string[]) => allWork(nova, ...commands)
  const server = (name: string) => asked<Shown>(nova, `server show ${name}`)

  test('image, network, router, security group, keypair, flavor', async () => {
    const bits = join(nova.folder, 'bits')
    writeFileSync(bits, Buffer.alloc(100_000, 'x'))
    await work(
      `image create --public --disk-format raw --container-format bare --file ${bits} small`,
      'network create --external --provider-network-type flat --provider-physical-network public outside',
      'subnet create --network outside --subnet-range 172.24.9.0/24 --no-dhcp outside-subnet',
      'network create inside',
      'subnet create --network inside --subnet-range 10.77.0.0/24 inside-subnet',
      'router create way',
      'router set way --external-gateway outside',
      'router add subnet way inside-subnet',
      'security group create web',
      'security group rule create web --protocol tcp --dst-port 22',
      `keypair create key --private-key ${join(nova.folder, 'key')}`,
      'flavor create small --ram 64 --disk 1 --vcpus 1',
      'flavor create wide --ram 128 --disk 1 --vcpus 2',
    )
  })

  test('a server boots, with its port at Neutron and its allocation at Placement', async () => {
    await work(
      'server create --flavor small --image small --network inside --security-group web --key-name key --wait one',
    )
    const { id, status, addresses } = await server('one')
    assert.equal(status, 'ACTIVE')
    assert.match(addresses['inside']?.[0] ?? '', /^10\.77\.0\.\d+$/)
    const { ports } = await admin.call<{ ports: Record<string, unknown>[] }>(
      'network',
      'GET',
      `/v2.0/ports?device_id=${id}`,
    )
    assert.deepEqual(
      ports.map(port => [port['status'], port['binding:host_id'], port['binding:vif_type'], port['device_owner']]),
      [['ACTIVE', 'simulated-1', 'bridge', 'compute:nova']],
    )
    const held = await admin.call<{ allocations: Record<string, { resources: object }> }>(
      'placement',
      'GET',
      `/allocations/${id}`,
    )
    assert.deepEqual(
      Object.values(held.allocations).map(({ resources }) => resources),
      [{ VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 }],
    )
    assert.match(await work('server list --long'), /one.*ACTIVE.*inside/)
  })

  test('a volume is attached and given back, a floating address too', async () => {
    await work('volume create --size 1 data')
    await until('volume data', 'available')
    await work('server add volume one data')
    await until('volume data', 'in-use')
    assert.equal((await server('one')).volumes_attached?.length, 1)
    // Cinder tells Nova, which asks the host.
    await work('volume set --size 2 data')
    await waitFor(
      'the extension to be recorded',
      async () => ((await work('server event list one')).includes('extend_volume') ? true : undefined),
      { deadlineMs: 60_000, everyMs: 500 },
    )
    await until('volume data', 'in-use')
    await work('server remove volume one data')
    await until('volume data', 'available')
    const { floating_ip_address: address } = await asked<{ floating_ip_address: string }>(
      nova,
      'floating ip create outside',
    )
    await work(`server add floating ip one ${address}`)
    await waitFor(
      'the address to be shown',
      async () => (await server('one')).addresses['inside']?.includes(address) || undefined,
      { deadlineMs: 60_000, everyMs: 500 },
    )
    await work(`server remove floating ip one ${address}`, `floating ip delete ${address}`)
  })

  test('it is resized, rebuilt, shelved, snapshotted', async () => {
    await work('server resize --flavor wide --wait one', 'server resize confirm one')
    await until('server one', 'ACTIVE')
    await work('server rebuild --image small --wait one', 'server shelve one')
    await until('server one', 'SHELVED_OFFLOADED')
    await work('server unshelve one')
    await until('server one', 'ACTIVE')
    await work('server image create --name shot --wait one', 'server stop one')
    await until('server one', 'SHUTOFF')
    await work('server start one')
    await until('server one', 'ACTIVE')
    assert.equal((await asked<{ status: string }>(nova, 'image show shot')).status, 'active')
  })

  test('from a volume that Cinder makes of an image', async () => {
    await work(
      'server create --flavor small --image small --boot-from-volume 1 --network inside --wait rooted',
      'server delete --wait rooted',
    )
  })

  test('a reader reads, and changes nothing; an application credential is as good as a password', async () => {
    const reader = await newReader(admin, file)
    assert.equal((await reader.ask('compute', 'GET', '/servers')).status, 200)
    const flavor = await admin.call<{ flavors: { id: string; name: string }[] }>('compute', 'GET', '/flavors')
    const flavorRef = flavor.flavors.find(f => f.name === 'small')?.id ?? ''
    const asking = { server: { name: 'no', flavorRef, imageRef: flavorRef, networks: 'none' } }
    const headers = { 'openstack-api-version': 'compute 2.90' }
    assert.equal((await reader.ask('compute', 'POST', '/servers', asking, headers)).status, 403)
    const demo = { clientEnvironment: () => environment(file, 'demo', 'demo') }
    const credential = await asked<{ id: string; secret: string }>(demo, 'application credential create robot')
    const identity = {
      methods: ['application_credential'],
      application_credential: { id: credential.id, secret: credential.secret },
    }
    const robot = await Rest.authenticate(file.urls.identity, { identity })
    const { servers } = await robot.call<{ servers: unknown[] }>('compute', 'GET', '/servers')
    assert.deepEqual(servers, [])
    await allWork(demo, 'application credential delete robot')
  })

  test('what is deleted leaves nothing at the neighbours', async () => {
    const { id } = await server('one')
    await work('server delete --wait one')
    const { ports } = await admin.call<{ ports: unknown[] }>('network', 'GET', `/v2.0/ports?device_id=${id}`)
    assert.deepEqual(ports, [])
    const { allocations } = await admin.call<{ allocations: object }>('placement', 'GET', `/allocations/${id}`)
    assert.deepEqual(allocations, {})
    await work('volume delete data', 'image delete shot')
    assert.doesNotMatch(await session(nova, ['server list']), /one/)
  })

  test('a cloud that is kept is as it was before, without the host too', async () => {
    await work(
      'router remove subnet way inside-subnet',
      'router delete way',
      'network delete inside outside',
      'security group delete web',
      'keypair delete key',
      'flavor delete small wide',
      'image delete small',
    )
    assert.equal(await nova.service['nova-compute']?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await work(...services.map(({ ID }) => `compute service delete ${ID}`))
    const { resource_providers: left } = await admin.call<{ resource_providers: { name: string }[] }>(
      'placement',
      'GET',
      '/resource_providers',
    )
    assert.ok(!left.some(provider => provider.name === 'simulated-1'))
  })

  async function until(what: string, status: string): Promise<void> {
    const [kind = '', name = ''] = what.split(' ')
    const seen = async () => (await asked<{ status: string }>(nova, `${kind} show ${name}`)).status
    await waitFor(
      `${what} to be ${status}`,
      async () => {
        const now = await seen()
        assert.ok(!/error/i.test(now) || /error/i.test(status), `${what} is ${now}`)
        return now === status || undefined
      },
      { deadlineMs: 120_000, everyMs: 500 },
    )
  }
})

async function newReader(admin: Rest, file: NeighboursFile): Promise<Rest> {
  const password = 'of a reader'
  const { users } = await admin.call<{ users: { id: string }[] }>('identity', 'GET', '/users?name=looker')
  const made = async () =>
    (await admin.call<{ user: { id: string } }>('identity', 'POST', '/users', { user: { name: 'looker', password } }))
      .user
  const { id } = users[0] ?? (await made())
  const { roles } = await admin.call<{ roles: { id: string }[] }>('identity', 'GET', '/roles?name=reader')
  await admin.call('identity', 'PUT', `/projects/${admin.projectId}/users/${id}/roles/${roles[0]?.id}`)
  return Rest.login(file.urls.identity, 'looker', password, 'admin')
}
