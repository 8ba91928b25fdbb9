import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type Cloud, startCloud } from './processes.ts'

let cloud: Cloud
let imageId: string
let flavorId: string
let networkId: string
before(async () => {
  cloud = await startCloud(['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'])
})
after(() => cloud.close())

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const port = cloud.service['nova-api-os-compute'].port('nova-api-os-compute')
  const { token } = await cloud.builtIn.identity.serviceCaller()
  const reply = await fetch(`http://127.0.0.1:${port}/v2.1${path}`, {
    method,
    headers: { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.90' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  assert.ok(reply.ok, `${method} ${path} was answered with ${reply.status}: ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

interface Server {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly fault?: { message: string }
  readonly addresses: Readonly<Record<string, readonly { addr: string }[]>>
}

const servers = async () => (await call<{ servers: Server[] }>('GET', '/servers/detail')).servers

const allActive = (count: number) =>
  waitFor(
    `${count} active servers`,
    async () => {
      const all = await servers()
      const failed = all.find(s => s.status === 'ERROR')
      assert.equal(failed, undefined, JSON.stringify(failed))
      return (all.length === count && all.every(s => s.status === 'ACTIVE')) || undefined
    },
    { deadlineMs: 60_000, everyMs: 100 },
  )

const boot = (name: string, count = 1) =>
  call('POST', '/servers', {
    server: {
      name,
      imageRef: imageId,
      flavorRef: flavorId,
      networks: [{ uuid: networkId }],
      min_count: count,
    },
  })

test('the cloud is furnished through its public APIs', async () => {
  const { builtIn } = cloud
  imageId = newUuid()
  await builtIn.imageService.register.reserve({ id: imageId, name: 'cirros', diskFormat: 'qcow2' })
  const bits = join(builtIn.folder, 'cirros.qcow2')
  writeFileSync(bits, 'no real image')
  await builtIn.imageService.register.publish(imageId, bits)
  const { id: projectId } = { id: (await builtIn.identity.serviceCaller()).projectId ?? '' }
  networkId = (await builtIn.networkService.ensureDefaultNetwork({ projectId, name: 'private' })).id
  const flavor = { name: 'm1.micro', ram: 128, disk: 1, vcpus: 1 }
  flavorId = (await call<{ flavor: { id: string } }>('POST', '/flavors', { flavor })).flavor.id
  await waitFor('the host to be reported', async () => (await hostsUp()).includes('host-1') || undefined, {
    deadlineMs: 20_000,
  })
})

async function hostsUp(): Promise<readonly string[]> {
  const candidates = await cloud.builtIn.placement.candidates({
    groups: [{ suffix: '', resources: { VCPU: 1 }, required: [], forbidden: [], memberOf: [], notMemberOf: [] }],
    rootRequired: [],
    rootForbidden: [],
    sameSubtrees: [],
  })
  const ids = Object.keys(candidates.summaries)
  return Promise.all(ids.map(async id => (await cloud.builtIn.placement.provider(id))?.name ?? ''))
}

test('a server boots through four processes', async () => {
  await boot('first')
  await allActive(1)
  const [server] = await servers()
  assert.equal(Object.values(server?.addresses ?? {}).flat().length, 1)
})

test('kill -9 of the conductor in the middle of builds: every build completes, exactly once', async () => {
  const conductor = cloud.service['nova-conductor']
  await boot('many', 30)
  await waitFor(
    'some to be active',
    async () => (await servers()).some(s => s.name !== 'first' && s.status === 'ACTIVE') || undefined,
    {
      deadlineMs: 30_000,
      everyMs: 10,
    },
  )
  assert.equal(await conductor.end('SIGKILL'), 'SIGKILL')
  assert.ok(
    (await servers()).some(s => s.status === 'BUILD'),
    'all builds were done before the kill',
  )
  await conductor.start()
  await allActive(31)
  const { network, placement } = cloud.builtIn
  const all = await servers()
  const ports = (await network.ports('service', { networkId })).filter(p => p.deviceOwner.startsWith('compute:'))
  assert.deepEqual(ports.map(p => p.deviceId).sort(), all.map(s => s.id).sort())
  for (const { id } of all) {
    const { allocations } = await placement.consumer(id)
    assert.deepEqual(Object.values(allocations), [{ VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 }])
  }
})

test('kill -9 of the host during deletes: they complete when it is back', async () => {
  const all = await servers()
  for (const { id } of all.slice(0, 10)) await call('DELETE', `/servers/${id}`)
  assert.equal(await cloud.service['nova-compute'].end('SIGKILL'), 'SIGKILL')
  for (const { id } of all.slice(10, 20)) await call('DELETE', `/servers/${id}`)
  await cloud.service['nova-compute'].start()
  await allActive(11)
})

test('the metadata service answers for the instance that the proxy names', async () => {
  const metadata = cloud.service['nova-api-metadata']
  await metadata.start()
  const [server] = await servers()
  const id = server?.id ?? ''
  const reply = await fetch(`http://127.0.0.1:${metadata.port('nova-api-metadata')}/openstack/latest/meta_data.json`, {
    headers: {
      'x-forwarded-for': '10.0.0.1',
      'x-instance-id': id,
      'x-tenant-id': (await cloud.builtIn.identity.serviceCaller()).projectId ?? '',
      'x-instance-id-signature': createHmac('sha256', 'shared').update(id).digest('hex'),
    },
  })
  assert.equal(reply.status, 200)
  assert.equal(((await reply.json()) as { uuid: string }).uuid, id)
})

test('nova-api serves every API that enabled_apis names', async () => {
  const api = cloud.service['nova-api']
  await api.start()
  const status = async (service: string, path: string) =>
    (await fetch(`http://127.0.0.1:${api.port(service)}${path}`)).status
  assert.equal(await status('nova-api-os-compute', '/'), 200)
  assert.equal(await status('nova-api-os-compute', '/v2.1/servers'), 401)
  assert.equal(await status('nova-api-metadata', '/'), 200)
})

test('SIGTERM and SIGINT end every service in good order', async () => {
  for (const process of Object.values(cloud.service)) {
    if (!process.isRunning) continue
    const ended = process.end(process.name === 'nova-scheduler' ? 'SIGINT' : 'SIGTERM')
    assert.equal(await ended, 0, process.name)
  }
})
