import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HypervisorUnavailable } from '#virt'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud({ quotas: { ram: -1 } })
  id = await cloud.bootServer()
})
after(() => cloud.close())

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const remote = (protocol: string, type: string, version: string = newest, as = cloud.member) =>
  cloud.request('POST', `/servers/${id}/remote-consoles`, {
    version,
    as,
    body: { remote_console: { protocol, type } },
  })
const action = (name: string, type: string, ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { body: { [name]: { type } }, ...ask })
const resolve = (token: string, version: string = newest, as = cloud.admin) =>
  cloud.request('GET', `/os-console-auth-tokens/${token}`, { version, as })
const tokenIn = (url: string): string => {
  const [token] = /[0-9a-f-]{36}$/.exec(url) ?? []
  assert.ok(token !== undefined, url)
  return token
}

const offered: readonly (readonly [string, string, string, RegExp])[] = [
  ['vnc', 'novnc', '2.6', new RegExp(`^http://127.0.0.1:6080/vnc_auto.html\\?path=%3Ftoken%3D${uuid}$`)],
  ['spice', 'spice-html5', '2.6', new RegExp(`^http://127.0.0.1:6082/spice_auto.html\\?token=${uuid}$`)],
  ['spice', 'spice-direct', '2.99', new RegExp(`^http://127.0.0.1:13002/nova\\?token=${uuid}$`)],
  ['serial', 'serial', '2.6', new RegExp(`^ws://127.0.0.1:6083/\\?token=${uuid}$`)],
  ['mks', 'webmks', '2.8', new RegExp(`^http://127.0.0.1:6090/\\?token=${uuid}$`)],
]
for (const [protocol, type, since, address] of offered) {
  test(`${protocol} as ${type}: an address, and behind its token the place of the console`, async () => {
    const { remote_console: found } = (await remote(protocol, type, since)).expect(200).body
    assert.deepEqual([found.protocol, found.type], [protocol, type])
    assert.match(found.url, address)
    const { console: point } = (await resolve(tokenIn(found.url))).expect(200).body
    assert.equal(point.instance_uuid, id)
    assert.equal(point.host, '127.0.0.1')
    assert.ok(point.port > 0)
    assert.equal('tls_port' in point, type === 'spice-direct')
    assert.equal('tls_port' in (await resolve(tokenIn(found.url), '2.98')).body.console, false)
    const before = `2.${Number(since.split('.')[1]) - 1}`
    ;(await remote(protocol, type, before)).expect(before === '2.5' ? 404 : 400)
  })
}

test('the old actions, up to 2.5', async () => {
  for (const [name, type] of [
    ['os-getVNCConsole', 'novnc'],
    ['os-getSPICEConsole', 'spice-html5'],
    ['os-getSerialConsole', 'serial'],
  ] as const) {
    const { console: found } = (await action(name, type)).expect(200).body
    assert.equal(found.type, type)
    ;(await resolve(tokenIn(found.url))).expect(200)
    ;(await action(name, type, { version: '2.5' })).expect(200)
    ;(await action(name, type, { version: '2.6' })).expect(404)
    ;(await action(name, 'another')).expect(400)
    ;(await action(name, type, { as: cloud.reader })).refuses(
      403,
      "Policy doesn't allow os_compute_api:os-remote-consoles to be performed.",
    )
  }
  ;(await action('os-getVNCConsole', 'xvpvnc')).refuses(400, 'Invalid console type xvpvnc')
  const malformed = 'The server could not comply with the request since it is either malformed or otherwise incorrect.'
  ;(await action('os-getRDPConsole', 'rdp-html5')).refuses(400, malformed)
  ;(await action('os-getRDPConsole', 'rdp-html5', { version: '2.6' })).expect(404)
})

test('a type of another protocol, and a protocol that no host has', async () => {
  ;(await remote('vnc', 'serial')).refuses(400, 'Invalid console type serial')
  ;(await remote('rdp', 'rdp-html5')).refuses(400, 'Invalid console type rdp-html5')
})

test('tokens are stored as hashes, and end with their time', async () => {
  const nowMs = cloud.deps.clock.now()
  const grant = {
    instanceId: id,
    computeHost: 'host-1',
    consoleType: 'novnc',
    host: 'h',
    port: 1,
    tlsPort: null,
    internalAccessPath: null,
    accessUrlBase: 'http://h/',
  }
  const { consoleTokens } = cloud.store
  const token = await consoleTokens.grant({ ...grant, expiresAtMs: nowMs + 600_000 }, nowMs)
  assert.ok((await consoleTokens.find(token, nowMs + 599_999)) !== undefined)
  assert.equal(await consoleTokens.find(token, nowMs + 600_000), undefined)
  const old = await consoleTokens.grant({ ...grant, expiresAtMs: nowMs - 1 }, nowMs)
  ;(await resolve(old)).refuses(404, 'Token not found')
  assert.equal(await consoleTokens.purgeExpired(nowMs), 1)
  ;(await resolve('nonsense')).refuses(404, 'Token not found')
})

test('who may resolve tokens, and since when', async () => {
  const token = tokenIn((await remote('vnc', 'novnc')).body.remote_console.url)
  ;(await resolve(token, newest, cloud.member)).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-console-auth-tokens to be performed.",
  )
  ;(await resolve(token, '2.31')).expect(200)
  ;(await resolve(token, '2.30')).expect(400)
  ;(await resolve(`${token}?x=1`, '2.98')).expect(200)
  ;(await resolve(`${token}?x=1`, '2.99')).expect(400)
})

test("another project's server is not there", async () => {
  ;(await remote('vnc', 'novnc', newest, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  ;(await action('os-getVNCConsole', 'novnc', { as: cloud.stranger })).refuses(
    404,
    `Instance ${id} could not be found.`,
  )
})

test('not while it is deleted or moves, and not without a host', async () => {
  await cloud.store.instances.change((await cloud.store.instances.get(id)).id, { taskState: 'migrating' }, 0)
  ;(await remote('vnc', 'novnc')).refuses(
    409,
    `Cannot 'get_vnc_console' instance ${id} while it is in task_state migrating`,
  )
  await cloud.store.instances.change((await cloud.store.instances.get(id)).id, { taskState: null }, 0)
  cloud.driver.failNext('console', HypervisorUnavailable({ reason: 'gone' }))
  ;(await remote('vnc', 'novnc')).refuses(409, 'Compute service of host-1 is unavailable at this time.')
  const flavorRef = await cloud.newFlavor({ name: 'huge', ram: 1_000_000_000 })
  const failed = await cloud.bootServer({ as: cloud.admin, status: 'ERROR', fields: { flavorRef, networks: 'none' } })
  const body = { remote_console: { protocol: 'vnc', type: 'novnc' } }
  const answer = await cloud.request('POST', `/servers/${failed}/remote-consoles`, {
    version: newest,
    as: cloud.admin,
    body,
  })
  answer.refuses(409, `Instance ${failed} is not ready`)
})

test('tokens do not follow a server that moves', async () => {
  const token = tokenIn((await remote('vnc', 'novnc')).body.remote_console.url)
  const { id: server } = await cloud.store.instances.get(id)
  await cloud.store.instances.change(server, { host: 'elsewhere' }, 0)
  ;(await resolve(token)).refuses(404, 'Token not found')
  await cloud.store.instances.change(server, { host: 'host-1' }, 0)
  ;(await resolve(token)).expect(200)
})

test('tokens go with the server', async () => {
  const token = tokenIn((await remote('vnc', 'novnc')).body.remote_console.url)
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  ;(await resolve(token)).expect(404)
})
