/** Lists whose length users decide go to the database as one parameter, of which SQLite takes 32,766. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { openStore, type Store } from '#store'
import { freshDatabase } from '../database/index.ts'

let store: Store
const ids = Array.from({ length: 40_000 }, () => newUuid())
before(async () => {
  store = await openStore(await freshDatabase())
})
after(() => store.close())

test('what belongs to very many servers is found', async () => {
  const found = [
    await store.tags.ofMany(ids),
    await store.faults.newest(ids),
    await store.blockDevices.ofMany(ids),
    await store.requestSpecs.ofMany(ids),
    await store.serverGroups.ofServers(ids),
    await store.instances.idsByHost(ids),
  ]
  assert.deepEqual(
    found.map(map => map.size),
    [0, 0, 0, 0, 0, 0],
  )
  assert.deepEqual(await store.instances.placesOf(ids), [])
  assert.equal((await store.moves.movingAt('host', ids)).size, 0)
  await store.services.heartbeat('nova-compute', ids, 1)
})

test('lists of servers are filtered by very many ids, hosts and tags', async () => {
  const all = {
    filter: { deleted: 'no', ids, hosts: ids, notHosts: ids, tags: ids, tagsAny: ids, notTags: ids, notTagsAny: ids },
  } as const
  assert.deepEqual(await store.instances.list(all), [])
})

test('a server has more disks than one statement takes', async () => {
  const disk = { source: 'blank', destination: 'volume', imageId: null, volumeId: null, snapshotId: null } as const
  const rest = { bootIndex: null, deviceName: null, diskBus: null, deviceType: null, guestFormat: null, size: 1 }
  const last = { volumeType: null, deleteOnTermination: true, tag: null }
  const many = Array.from({ length: 2000 }, () => ({ ...disk, ...rest, ...last }))
  assert.equal((await store.transaction(tx => tx.blockDevices.add('server', many, 1))).length, 2000)
  assert.equal((await store.blockDevices.of('server')).length, 2000)
})
