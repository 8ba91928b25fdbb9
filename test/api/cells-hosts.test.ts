/** Hosts of several cells, and what other services ask of servers on them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { auditUsage } from '../../src/conductor/reconcilers/usage-audit.ts'
import type { TestCells } from './cells.ts'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let cells: TestCells
/** A server on each of these hosts. */
const servers: Record<string, string> = {}

before(async () => {
  cloud = await startCloud({
    cells: { one: ['host-1'], two: ['host-2', 'host-3'], gone: null },
    settings: { usageAuditPeriod: 'hour' },
    config: { DEFAULT: { instance_usage_audit: true } },
  })
  assert.ok(cloud.cells !== undefined)
  cells = cloud.cells
  await cloud.store.hostMappings.add({ host: 'host-gone', cellUuid: cells.uuidOf('gone') }, 0)
  for (const host of ['host-1', 'host-2'])
    servers[host] = await cloud.bootServer({ as: cloud.admin, fields: { availability_zone: `nova:${host}` } })
})
after(() => cloud.close())

const ask = (method: string, path: string, more: Ask = {}) =>
  cloud.request(method, path, { version: newest, as: cloud.admin, ...more })
const get = async (path: string, version: string = newest): Promise<Json> =>
  (await ask('GET', path, { version })).expect(200).body
const away = () => `Cell gone (${cells.uuidOf('gone')}) is not responding.`
const soon = (what: string, isSo: () => boolean | Promise<boolean>) =>
  waitFor(what, async () => ((await isSo()) ? true : undefined), { deadlineMs: 20_000, everyMs: 5 })
const computes = async (): Promise<Json[]> => (await get('/os-services?binary=nova-compute', '2.68')).services
const serviceOf = async (host: string): Promise<Json> => (await computes()).find(service => service.host === host)

test('services of all cells, and what is known of those in a cell that is away', async () => {
  assert.deepEqual(
    (await computes()).map(service => service.host),
    ['host-1', 'host-2', 'host-3'],
  )
  const lost = { binary: 'nova-compute', host: 'host-gone', status: 'UNKNOWN' }
  const { services } = await get('/os-services')
  assert.deepEqual(services.at(-1), lost)
  assert.deepEqual(
    new Set(services.map((service: Json) => service.binary)),
    new Set(['nova-compute', 'nova-conductor', 'nova-scheduler']),
  )
  assert.deepEqual((await get('/os-services?host=host-gone')).services, [lost])
  assert.deepEqual((await get('/os-services?binary=nova-conductor')).services.length, 1)
  assert.deepEqual((await get('/os-services?host=host-gone', '2.68')).services, [])
})

test('a service is changed in its cell, by name and by uuid', async () => {
  const body = { host: 'host-2', binary: 'nova-compute' }
  ;(await ask('PUT', '/os-services/disable', { version: '2.1', body })).expect(200)
  assert.equal((await serviceOf('host-2')).status, 'disabled')
  const { id } = await serviceOf('host-2')
  const enabled = await ask('PUT', `/os-services/${id}`, { body: { status: 'enabled' } })
  assert.equal(enabled.expect(200).body.service.host, 'host-2')
  const nowhere = { ...body, host: 'host-9' }
  const unmapped = await ask('PUT', '/os-services/disable', { version: '2.1', body: nowhere })
  unmapped.refuses(404, "Host 'host-9' is not mapped to any cell")
  const lost = await ask('PUT', '/os-services/disable', { version: '2.1', body: { ...body, host: 'host-gone' } })
  lost.refuses(500, away())
})

test('a number that several cells have given names no service', async () => {
  const [one, two] = [await cells.storeOf('one'), await cells.storeOf('two')]
  const shared = (await one.services.find('host-1', 'nova-compute'))?.number
  assert.equal((await two.services.find('host-2', 'nova-compute'))?.number, shared)
  ;(await ask('DELETE', `/os-services/${shared}`, { version: '2.52' })).refuses(
    400,
    `Service id ${shared} refers to multiple services.`,
  )
  ;(await ask('DELETE', `/os-services/${newUuid()}`)).refuses(500, away())
})

test('hypervisors of all cells', async () => {
  const { hypervisors } = await get('/os-hypervisors/detail')
  assert.deepEqual(
    hypervisors.map((one: Json) => one.service.host),
    ['host-1', 'host-2', 'host-3'],
  )
  const first = (await get('/os-hypervisors?limit=2')).hypervisors
  assert.deepEqual(first.length, 2)
  const rest = (await get(`/os-hypervisors?limit=2&marker=${first.at(-1).id}`)).hypervisors
  assert.deepEqual(
    [...first, ...rest].map((one: Json) => one.id),
    hypervisors.map((one: Json) => one.id),
  )
  const [, second] = hypervisors
  const shown = (await get(`/os-hypervisors/${second.id}?with_servers=true`)).hypervisor
  assert.equal(shown.service.host, 'host-2')
  assert.deepEqual(
    shown.servers.map((server: Json) => server.uuid),
    [servers['host-2']],
  )
  const withServers = (await get('/os-hypervisors?with_servers=true')).hypervisors
  assert.deepEqual(
    withServers.map((one: Json) => one.servers.map((server: Json) => server.uuid)),
    [[servers['host-1']], [servers['host-2']], []],
  )
  const { hypervisor_statistics: sums } = await get('/os-hypervisors/statistics', '2.87')
  assert.deepEqual([sums.count, sums.vcpus, sums.vcpus_used, sums.running_vms], [3, 192, 2, 2])
  assert.equal((await get(`/os-hypervisors/${second.id}`, '2.87')).hypervisor.running_vms, 1)
  const name = second.hypervisor_hostname
  assert.deepEqual((await get(`/os-hypervisors/${name}/search`, '2.1')).hypervisors.length, 1)
  const [onIt] = (await get(`/os-hypervisors/${name}/servers`, '2.1')).hypervisors
  assert.equal(onIt.servers[0].uuid, servers['host-2'])
  // The host itself answers, over its cell's bus.
  ;(await ask('GET', `/os-hypervisors/${second.id}/uptime`, { version: '2.87' })).expect(200)
})

test('os-hosts and zones', async () => {
  const named = (await get('/os-hosts', '2.1')).hosts.map((host: Json) => host.host_name)
  for (const host of ['host-1', 'host-2', 'host-3']) assert.ok(named.includes(host))
  const { host: rows } = await get('/os-hosts/host-2', '2.1')
  assert.equal(rows[1].resource.cpu, 1)
  const path = '/os-hosts/host-3'
  ;(await ask('PUT', path, { version: '2.1', body: { status: 'disable' } })).expect(200)
  assert.equal((await serviceOf('host-3')).status, 'disabled')
  ;(await ask('PUT', path, { version: '2.1', body: { status: 'enable' } })).expect(200)
  ;(await ask('GET', '/os-hosts/host-gone', { version: '2.1' })).refuses(500, away())
  const zones = (await get('/os-availability-zone/detail')).availabilityZoneInfo
  const nova = zones.find((zone: Json) => zone.zoneName === 'nova')
  assert.deepEqual(Object.keys(nova.hosts), ['host-1', 'host-2', 'host-3'])
})

test('an aggregate has hosts of any cell, whose servers keep their zone', async () => {
  const body = { aggregate: { name: 'both' } }
  const { id } = (await ask('POST', '/os-aggregates', { body })).expect(200).body.aggregate
  const act = (action: Json) => ask('POST', `/os-aggregates/${id}/action`, { body: action })
  for (const host of ['host-1', 'host-3']) (await act({ add_host: { host } })).expect(200)
  ;(await act({ add_host: { host: 'host-9' } })).expect(404)
  ;(await act({ add_host: { host: 'host-gone' } })).refuses(500, away())
  const zoned = { set_metadata: { metadata: { availability_zone: 'east' } } }
  ;(await act(zoned)).refuses(400, /One or more hosts contain instances in this zone/)
  ;(await act({ remove_host: { host: 'host-1' } })).expect(200)
  ;(await act(zoned)).expect(200)
  ;(await act({ add_host: { host: 'host-2' } })).refuses(409, /already has 1 instance/)
  assert.equal((await serviceOf('host-3')).zone, 'east')
  ;(await act({ remove_host: { host: 'host-3' } })).expect(200)
})

test('images are fetched ahead by the hosts of each cell', async () => {
  const body = { aggregate: { name: 'cached' } }
  const { id } = (await ask('POST', '/os-aggregates', { body })).expect(200).body.aggregate
  for (const host of ['host-1', 'host-3'])
    (await ask('POST', `/os-aggregates/${id}/action`, { body: { add_host: { host } } })).expect(200)
  const cached = (host: string) => cloud.drivers.get(host)?.cachedImages.has(cloud.imageId) === true
  assert.equal(cached('host-3'), false)
  ;(await ask('POST', `/os-aggregates/${id}/images`, { body: { cache: [{ id: cloud.imageId }] } })).expect(202)
  await soon('the image', () => cached('host-1') && cached('host-3'))
})

test('a list of moves in all cells goes on in any of them', async () => {
  const move = (n: number) => ({
    uuid: newUuid(),
    instanceId: newUuid(),
    type: 'migration' as const,
    status: 'confirmed',
    sourceHost: 'somewhere',
    sourceNode: null,
    destHost: null,
    destNode: null,
    destIp: null,
    oldFlavor: null,
    newFlavor: null,
    userId: null,
    projectId: null,
    isCrossCell: false,
    pending: { vcpus: 0, memoryMiB: 0 },
    createdAtMs: 1_700_000_000_000 + Math.floor(n / 2),
  })
  const moves = Array.from({ length: 9 }, (_, n) => move(n))
  for (const [n, one] of moves.entries()) await (await cells.storeOf(n % 3 === 0 ? 'one' : 'two')).moves.add(one)
  const sorted = moves.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.uuid < b.uuid ? -1 : 1))
  const found: string[] = []
  for (let marker = ''; ; marker = `&marker=${found.at(-1)}`) {
    const { migrations } = await get(`/os-migrations?source_compute=somewhere&limit=2${marker}`)
    found.push(...migrations.map((one: Json) => one.uuid))
    if (migrations.length < 2) break
  }
  assert.deepEqual(
    found,
    sorted.map(one => one.uuid),
  )
  assert.equal((await get('/os-migrations?source_compute=somewhere', '2.58')).migrations.length, moves.length)
  ;(await ask('GET', `/os-migrations?marker=${newUuid()}`)).refuses(500, away())
})

test('of a move between cells, the record in the server’s cell counts', async () => {
  const instanceId = servers['host-1'] ?? ''
  const [one, two] = [await cells.storeOf('one'), await cells.storeOf('two')]
  const shared = {
    uuid: newUuid(),
    instanceId,
    type: 'migration' as const,
    sourceHost: 'between',
    sourceNode: null,
    destHost: null,
    destNode: null,
    destIp: null,
    oldFlavor: null,
    newFlavor: null,
    userId: null,
    projectId: null,
    pending: { vcpus: 0, memoryMiB: 0 },
    createdAtMs: 1_700_000_000_000,
  }
  const before = { ...shared, uuid: newUuid(), status: 'confirmed', isCrossCell: false }
  await one.moves.add({ ...shared, status: 'confirmed', isCrossCell: true })
  await two.moves.add({ ...shared, status: 'finished', isCrossCell: false })
  await two.moves.add(before)
  const found = async (more: string, version?: string): Promise<string[]> =>
    (await get(`/os-migrations?source_compute=between${more}`, version)).migrations
      .map((move: Json) => `${move.uuid ?? ''} ${move.status}`)
      .toSorted()
  const both = [`${shared.uuid} confirmed`, `${before.uuid} confirmed`].toSorted()
  assert.deepEqual(await found(''), both)
  assert.deepEqual(await found('', '2.58'), [' confirmed', ' confirmed'])
  assert.deepEqual(await found('&status=finished'), [])
  const [first = ''] = await found('&limit=1')
  const [id = ''] = first.split(' ')
  assert.deepEqual([first, ...(await found(`&limit=1&marker=${id}`))].toSorted(), both)
})

test('a move inside a cell', async () => {
  const id = servers['host-2'] ?? ''
  ;(await ask('POST', `/servers/${id}/action`, { body: { migrate: { host: 'host-1' } } })).expect(400)
  ;(await ask('POST', `/servers/${id}/action`, { body: { migrate: null } })).expect(202)
  await cloud.waitForStatus(id, 'VERIFY_RESIZE')
  const [newestMove] = (await get('/os-migrations')).migrations
  assert.deepEqual([newestMove.instance_uuid, newestMove.dest_compute], [id, 'host-3'])
  ;(await ask('POST', `/servers/${id}/action`, { body: { revertResize: null } })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
})

test('the usage audit of all hosts', async () => {
  const { deps } = cloud
  for (const name of ['one', 'two'])
    await auditUsage(
      { store: await cells.storeOf(name), clock: deps.clock, log: deps.log } as Parameters<typeof auditUsage>[0],
      'hour',
    )
  const { instance_usage_audit_logs: log } = await get('/os-instance_usage_audit_log')
  assert.deepEqual([log.num_hosts, log.num_hosts_done, log.overall_status], [3, 3, 'ALL hosts done. 0 errors.'])
  assert.deepEqual(Object.keys(log.log).toSorted(), ['host-1', 'host-2', 'host-3'])
})

test('events of other services go to the cells of their servers', async () => {
  const neutron = await cloud.add('neutron', 'service')
  const like = await cloud.store.instanceMappings.find(servers['host-1'] ?? '')
  assert.ok(like !== undefined)
  const lost = { ...like, instanceId: newUuid(), cellUuid: cells.uuidOf('gone') }
  await cloud.store.instanceMappings.add(lost)
  const stores = [await cells.storeOf('one'), await cells.storeOf('two')]
  const here = [servers['host-1'] ?? '', servers['host-2'] ?? '']
  for (const [n, id] of here.entries())
    await stores[n]?.instances.rewriteNetwork(instanceId(id), vifs => vifs.map(vif => ({ ...vif, label: 'stale' })))
  const ids = [...here, newUuid(), lost.instanceId]
  const events = ids.map(id => ({ name: 'network-changed', server_uuid: id }))
  const answer = await ask('POST', '/os-server-external-events', { as: neutron, body: { events } })
  assert.deepEqual(
    answer.expect(207).body.events.map((event: Json) => event.code),
    [200, 200, 404, 422],
  )
  for (const [n, id] of here.entries())
    await soon('the event', async () => (await stores[n]?.instances.get(id))?.networkInfo[0]?.label === 'private')
})

test('a console’s token is known wherever it was given', async () => {
  for (const id of Object.values(servers)) {
    const body = { remote_console: { protocol: 'vnc', type: 'novnc' } }
    const { url } = (await ask('POST', `/servers/${id}/remote-consoles`, { body })).expect(200).body.remote_console
    const token = /token%3D([0-9a-f-]+)/.exec(url)?.[1] ?? new URL(url).searchParams.get('token')
    assert.equal((await get(`/os-console-auth-tokens/${token}`)).console.instance_uuid, id)
  }
})

test('snapshots that a host makes for the volume service', async () => {
  const cinder = await cloud.add('cinder', 'service')
  const volumeId = await cloud.newVolume({}, cloud.admin)
  const id = servers['host-2'] ?? ''
  const volume = async () => (await cloud.cinder('GET', `/volumes/${volumeId}`, undefined, cloud.admin)).volume.status
  await soon('the volume', async () => (await volume()) === 'available')
  const attachment = { volumeAttachment: { volumeId } }
  ;(await ask('POST', `/servers/${id}/os-volume_attachments`, { body: attachment })).expect(202)
  await soon('the volume to be attached', async () => (await volume()) === 'in-use')
  const info = { snapshot_id: newUuid(), type: 'qcow2', new_file: 'volume.1' }
  const body = { snapshot: { volume_id: volumeId, create_info: info } }
  ;(await ask('POST', '/os-assisted-volume-snapshots', { as: cinder, body })).expect(200)
  const { host } = await (await cells.storeOf('two')).instances.get(id)
  await soon('the hypervisor', () => cloud.drivers.get(host ?? '')?.overlaysOf(instanceId(id), volumeId).length === 1)
})

test('an older name of servers finds them in their cells', async () => {
  const id = servers['host-1']
  assert.equal((await get(`/os-volumes_boot/${id}`, '2.102')).server.id, id)
})

test('a host that leaves the cloud is in no cell any more', async () => {
  const { id } = await serviceOf('host-1')
  ;(await ask('DELETE', `/os-services/${id}`)).refuses(409, /hosting instances/)
  const server = servers['host-1'] ?? ''
  ;(await ask('DELETE', `/servers/${server}`)).expect(204)
  await cloud.waitUntilGone(server)
  await cloud.stopHost('host-1')
  ;(await ask('DELETE', `/os-services/${id}`)).expect(204)
  assert.equal(await serviceOf('host-1'), undefined)
  assert.equal(await cloud.store.hostMappings.cellOf('host-1'), undefined)
})
