import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type Cloud, ServiceProcess, startCloud } from './processes.ts'

/** Two hosts as processes of their own, with folders of their own: servers go from one to the other. */
let cloud: Cloud
let second: ServiceProcess
let token: string
let flavors: readonly string[]
let server: Readonly<Record<string, unknown>>

before(async () => {
  cloud = await startCloud(['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'])
  const folder = join(cloud.builtIn.folder, 'host-2')
  mkdirSync(folder)
  const config = readFileSync(cloud.configFile, 'utf8')
    .replace('host = host-1', 'host = host-2')
    .replace(`state_path = ${cloud.builtIn.folder}\n`, `state_path = ${folder}\n`)
  writeFileSync(join(folder, 'nova.conf'), config)
  second = new ServiceProcess('nova-compute', join(folder, 'nova.conf'), folder)
  await second.start()
  const caller = await cloud.builtIn.identity.serviceCaller()
  token = caller.token
  await furnish(caller.projectId ?? '')
})
after(async () => {
  await second.end('SIGKILL')
  await cloud.close()
})

type Json = ReturnType<typeof JSON.parse>

async function call(method: string, path: string, body?: unknown): Promise<Json> {
  const port = cloud.service['nova-api-os-compute'].port('nova-api-os-compute')
  const reply = await fetch(`http://127.0.0.1:${port}/v2.1${path}`, {
    method,
    headers: { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.95' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  assert.ok(reply.ok, `${method} ${path} was answered with ${reply.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

async function furnish(projectId: string): Promise<void> {
  const { builtIn } = cloud
  const imageRef = newUuid()
  await builtIn.imageService.register.reserve({ id: imageRef, name: 'cirros', diskFormat: 'raw' })
  const bits = join(builtIn.folder, 'cirros.raw')
  writeFileSync(bits, 'no real image')
  await builtIn.imageService.register.publish(imageRef, bits)
  const network = await builtIn.networkService.ensureDefaultNetwork({ projectId, name: 'private' })
  const made = []
  for (const vcpus of [1, 2]) {
    const flavor = { name: `m1.${vcpus}`, ram: 128, disk: 1, vcpus }
    made.push((await call('POST', '/flavors', { flavor })).flavor.id as string)
  }
  flavors = made
  const hosts = async () => (await call('GET', '/os-hypervisors')).hypervisors.length === 2 || undefined
  await waitFor('both hosts', hosts, { deadlineMs: 30_000 })
  server = { name: 'mover', imageRef, flavorRef: flavors[0], networks: [{ uuid: network.id }] }
}

const settled = (id: string, status: string): Promise<Json> =>
  waitFor(
    `${id} to become ${status}`,
    async () => {
      const now = (await call('GET', `/servers/${id}`)).server
      assert.notEqual(now.status, 'ERROR', JSON.stringify(now.fault))
      return now.status === status && now['OS-EXT-STS:task_state'] === null ? now : undefined
    },
    { deadlineMs: 60_000, everyMs: 50 },
  )

async function boot(): Promise<Json> {
  const { id } = (await call('POST', '/servers', { server })).server
  return settled(id, 'ACTIVE')
}

const act = (id: string, body: unknown) => call('POST', `/servers/${id}/action`, body)
const hostOf = (shown: Json): string => shown['OS-EXT-SRV-ATTR:host']
const migrate = { 'os-migrateLive': { host: null, block_migration: 'auto' } }

test('a running guest goes to the other process, and back', async () => {
  const born = await boot()
  for (const from of [hostOf(born), hostOf(born) === 'host-1' ? 'host-2' : 'host-1']) {
    await act(born.id, migrate)
    const shown = await settled(born.id, 'ACTIVE')
    assert.notEqual(hostOf(shown), from)
    assert.equal((await call('GET', `/servers/${born.id}/diagnostics`)).state, 'running')
  }
})

test('a server is resized onto the other host and confirmed, another one reverted', async () => {
  const [kept, given] = [await boot(), await boot()]
  for (const { id } of [kept, given]) await act(id, { resize: { flavorRef: flavors[1] } })
  for (const shown of [kept, given]) {
    const resized = await settled(shown.id, 'VERIFY_RESIZE')
    assert.notEqual(hostOf(resized), hostOf(shown))
  }
  await act(kept.id, { confirmResize: null })
  await act(given.id, { revertResize: null })
  assert.notEqual(hostOf(await settled(kept.id, 'ACTIVE')), hostOf(kept))
  assert.equal(hostOf(await settled(given.id, 'ACTIVE')), hostOf(given))
})

test('kill -9 of the conductor in the middle of moves: each ends, and every guest is in one place', async () => {
  const movers = await Promise.all(Array.from({ length: 6 }, boot))
  const sizes = movers.map((_, i) => (i % 2 === 0 ? migrate : { resize: { flavorRef: flavors[1] } }))
  await Promise.all(movers.map(({ id }, i) => act(id, sizes[i])))
  const conductor = cloud.service['nova-conductor']
  assert.equal(await conductor.end('SIGKILL'), 'SIGKILL')
  await conductor.start()
  const { placement } = cloud.builtIn
  for (const [i, { id }] of movers.entries()) {
    const shown = await settled(id, i % 2 === 0 ? 'ACTIVE' : 'VERIFY_RESIZE')
    assert.notEqual(hostOf(shown), hostOf(movers[i]))
    assert.equal((await call('GET', `/servers/${id}/diagnostics`)).state, 'running')
    const { allocations } = await placement.consumer(id)
    assert.deepEqual(Object.values(allocations), [{ VCPU: i % 2 === 0 ? 1 : 2, MEMORY_MB: 128, DISK_GB: 1 }])
  }
})
