import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import type { FarReply } from '#model'
import { type CellTreeCloud, startCellTree } from './cell-tree.ts'

/** Three cells, of which only the nova-cells of neighbours reach each other's broker. */

let cloud: CellTreeCloud
const imageId = newUuid()
let networkId = ''
const farPath = 'api!west!far'
const westPath = 'api!west'

before(async () => {
  cloud = await startCellTree({ api: 1, west: 4_096, far: 65_536 })
  const { builtIn, cell } = cloud
  await builtIn.imageService.register.reserve({ id: imageId, name: 'cirros', diskFormat: 'qcow2' })
  const bits = join(builtIn.folder, 'cirros.qcow2')
  writeFileSync(bits, 'no real image')
  await builtIn.imageService.register.publish(imageId, bits)
  const projectId = cloud.caller.projectId ?? ''
  networkId = (await builtIn.networkService.ensureDefaultNetwork({ projectId, name: 'private' })).id
  // Only the cell of the API has them.
  const flavor = { vcpus: 1, rootGiB: 1, ephemeralGiB: 0, swapMiB: 0, rxtxFactor: 1, isPublic: true, isDisabled: false }
  await cell.api.store.flavors.create(
    { ...flavor, flavorId: 'f1', name: 'm1.micro', memoryMiB: 512, description: null, extraSpecs: { 'hw:a': 'b' } },
    0,
  )
  const { userId } = cloud.caller
  const keypair = { userId, name: 'key', type: 'ssh', publicKey: 'ssh-rsa AAAA', fingerprint: 'aa:bb', createdAtMs: 0 }
  await cell.api.store.keypairs.create(keypair)
})
after(() => cloud?.close())

const server = (name: string) => ({
  server: { name, imageRef: imageId, flavorRef: 'f1', key_name: 'key', networks: [{ uuid: networkId }] },
})

interface Shown {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly key_name: string
}
const shown = (reply: FarReply): Shown => (reply.body as { server: Shown }).server

const create = async (cell: string, name: string, id = newUuid()): Promise<FarReply> =>
  cloud.ask(cell, 'POST', '/servers', server(name), id)

const becomes = (cell: string, id: string, status: string) =>
  waitFor(
    `${id} to be ${status}`,
    async () => {
      const reply = await cloud.ask(cell, 'GET', `/servers/${id}`)
      assert.equal(reply.status, 200, JSON.stringify(reply.body))
      const found = shown(reply)
      assert.notEqual(found.status, 'ERROR', JSON.stringify(reply.body))
      return found.status === status ? found : undefined
    },
    { deadlineMs: 60_000, everyMs: 200 },
  )

const namesIn = async (cell: 'far' | 'west'): Promise<readonly string[]> =>
  (await cloud.cell[cell].store.instances.list({ filter: { deleted: 'no' } })).map(one => one.displayName)

test('the API cell learns what the cells below have room for, by the sizes of its own flavors', async () => {
  const units = (mb: Readonly<Record<string, number>> | undefined) => mb?.['512'] ?? 0
  const west = await waitFor(
    'the room of both hosts to be known',
    async () => {
      const found = (await cloud.far.neighbours()).find(({ name }) => name === 'west')
      return units(found?.capacities?.ram_free.units_by_mb) > 110 ? found : undefined
    },
    { deadlineMs: 60_000, everyMs: 200 },
  )
  assert.equal(west.type, 'child')
  assert.equal(west.username, 'api-at-west')
  assert.deepEqual(west.capabilities['region'], ['far', 'west'])
})

test('a server goes where there is most room, and is read, stopped and deleted there', async () => {
  const { cell } = await cloud.far.selectCell(cloud.wish())
  assert.equal(cell, farPath)
  const reply = await create(cell, 'first')
  assert.equal(reply.status, 202, JSON.stringify(reply.body))
  const { id } = shown(reply)
  const active = await becomes(cell, id, 'ACTIVE')
  assert.equal(active.key_name, 'key')
  assert.deepEqual((await cloud.cell.far.store.flavors.get('f1')).extraSpecs, { 'hw:a': 'b' })
  assert.equal((await cloud.ask(cell, 'POST', `/servers/${id}/action`, { 'os-stop': null })).status, 202)
  await becomes(cell, id, 'SHUTOFF')
  assert.equal((await cloud.ask(cell, 'DELETE', `/servers/${id}`)).status, 204)
  await waitFor(
    'it to be gone',
    async () => (await cloud.ask(cell, 'GET', `/servers/${id}`)).status === 404 || undefined,
    { deadlineMs: 60_000, everyMs: 200 },
  )
})

test('what the far API refuses is answered as it says it', async () => {
  const reply = await cloud.ask(farPath, 'POST', '/servers', { server: { name: 'no flavor' } })
  assert.equal(reply.status, 400)
  assert.match(JSON.stringify(reply.body), /flavorRef/)
  await assert.rejects(cloud.ask('api!east', 'GET', '/servers'), { code: 'CellNotFound' })
})

test('the hint target_cell leads to the cell it names', async () => {
  const hints = { target_cell: [westPath] }
  const { cell } = await cloud.far.selectCell(cloud.wish({ hints }))
  assert.equal(cell, westPath)
  await becomes(cell, shown(await create(cell, 'aimed')).id, 'ACTIVE')
  await assert.rejects(cloud.far.selectCell(cloud.wish({ hints: { target_cell: ['api!east'] } })), {
    code: 'NoCellsAvailable',
    message: /api!west: TargetCellFilter: the hint target_cell names api!east/,
  })
})

test('a flavor that has changed since is changed there too', async () => {
  await cloud.cell.api.store.flavors.setExtraSpecs('f1', { 'hw:a': 'c' }, 1)
  const reply = await create(farPath, 'second')
  assert.equal(reply.status, 202, JSON.stringify(reply.body))
  assert.deepEqual((await cloud.cell.far.store.flavors.get('f1')).extraSpecs, { 'hw:a': 'c' })
  await becomes(farPath, shown(reply).id, 'ACTIVE')
})

test('lists of both cells are one list, page by page', async () => {
  const seen: string[] = []
  let marker: { id: string; cell: string } | undefined
  for (let more = true; more; ) {
    const { servers, hasMore, failed } = await cloud.far.list({
      request: { path: '/servers', caller: cloud.caller, requestId: 'req-list' },
      sort: [{ key: 'display_name', isDescending: false }],
      limit: 1,
      includesOwn: false,
      ...(marker === undefined ? {} : { marker }),
    })
    assert.deepEqual(failed, [])
    for (const { server: one, cell } of servers) {
      seen.push(`${String(one['name'])} in ${cell}`)
      marker = { id: String(one['id']), cell }
    }
    more = hasMore
  }
  assert.deepEqual(seen, [`aimed in ${westPath}`, `second in ${farPath}`])
})

test('over slow links everything works as before', async () => {
  for (const relay of Object.values(cloud.relays)) relay.delayMs = 150
  const reply = await create(farPath, 'slow')
  assert.equal(reply.status, 202, JSON.stringify(reply.body))
  await becomes(farPath, shown(reply).id, 'ACTIVE')
  for (const relay of Object.values(cloud.relays)) relay.delayMs = 0
})

test('kill -9 of nova-cells while servers are made: each is made once, and each answer comes', async () => {
  const before = await namesIn('far')
  const wanted = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6']
  const asked = Promise.all(wanted.map(name => create(farPath, name)))
  const hasBegun = async () => (await namesIn('far')).some(name => wanted.includes(name)) || undefined
  await waitFor('the first to be there', hasBegun, { deadlineMs: 30_000, everyMs: 2 })
  for (const name of ['far', 'west'] as const) await cloud.cell[name].process.end('SIGKILL')
  await Promise.all((['far', 'west'] as const).map(name => cloud.cell[name].process.start()))
  const replies = await asked
  assert.deepEqual(
    replies.map(reply => reply.status),
    wanted.map(() => 202),
    JSON.stringify(replies.map(reply => reply.body)),
  )
  assert.equal(new Set(replies.map(reply => shown(reply).id)).size, wanted.length)
  assert.ok(replies.every(reply => 'adminPass' in shown(reply)))
  assert.deepEqual((await namesIn('far')).toSorted(), [...before, ...wanted].toSorted())
  for (const reply of replies) await becomes(farPath, shown(reply).id, 'ACTIVE')
})

test('kill -9 of the nova-cells that was asked: the same request goes on with another of its cell', async () => {
  const { process, another } = cloud.cell.api
  await another.start()
  // Of two requests each takes one.
  const wanted = ['asked1', 'asked2']
  const asked = Promise.all(wanted.map(name => create(farPath, name)))
  const made = async () => (await namesIn('far')).filter(name => wanted.includes(name))
  await waitFor('the first to be there', async () => (await made()).length > 0 || undefined, {
    deadlineMs: 30_000,
    everyMs: 2,
  })
  await process.end('SIGKILL')
  assert.deepEqual(
    (await asked).map(({ status }) => status),
    [202, 202],
  )
  assert.deepEqual((await made()).toSorted(), wanted)
})

test('a request that comes twice is carried out once', async () => {
  const id = newUuid()
  const [one, two] = await Promise.all([create(farPath, 'twice', id), create(farPath, 'twice', id)])
  const three = await create(farPath, 'twice', id)
  assert.equal(shown(one).id, shown(two).id)
  assert.equal(shown(one).id, shown(three).id)
  assert.equal((await namesIn('far')).filter(name => name === 'twice').length, 1)
})

test('while the link to a neighbour is cut, requests to those behind it wait, and others do not', async () => {
  cloud.relays['west>far'].cut()
  const waiting = create(farPath, 'patient')
  const read = await cloud.ask(westPath, 'GET', '/servers')
  assert.equal(read.status, 200)
  cloud.relays['west>far'].mend()
  assert.equal((await waiting).status, 202)
})

test('a broker that is killed and comes back during a call costs time only', async () => {
  const asked = create(farPath, 'survivor')
  await cloud.broker.kill()
  await cloud.broker.run()
  const reply = await asked
  assert.equal(reply.status, 202, JSON.stringify(reply.body))
  assert.equal((await namesIn('far')).filter(name => name === 'survivor').length, 1)
})

test('a mute child gets no servers as long as others can, and lists say that it is missing', async () => {
  await cloud.cell.far.process.end('SIGKILL')
  const chosen = await waitFor(
    'the child to be mute',
    async () => {
      const { cell } = await cloud.far.selectCell(cloud.wish())
      return cell === westPath ? cell : undefined
    },
    { deadlineMs: 60_000, everyMs: 500 },
  )
  assert.equal(chosen, westPath)
  const { failed } = await cloud.far.list({
    request: { path: '/servers', caller: cloud.caller, requestId: 'req-list' },
    sort: [],
    limit: 10,
    includesOwn: true,
  })
  assert.deepEqual(
    failed.map(({ cell, fault }) => [cell, fault.code]),
    [[farPath, 'CellTimeout']],
  )
  await cloud.cell.far.process.start()
  await waitFor(
    'it to be heard again',
    async () => (await cloud.far.selectCell(cloud.wish())).cell === farPath || undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
})

test('SIGTERM ends nova-cells in good order', async () => {
  const all = Object.values(cloud.cell).flatMap(({ process, another }) => [process, another])
  const running = all.filter(process => process.isRunning)
  assert.equal(running.length, 3)
  for (const process of running) assert.equal(await process.end('SIGTERM'), 0)
})
