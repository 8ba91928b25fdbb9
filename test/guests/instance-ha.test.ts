import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { offsetOf } from '../offsets.ts'
import { HostsCloud } from './hosts.ts'

/** A host whose nova-compute is gone fences itself, and its real guest goes on at another one, with its disk, once. */

const [one, two] = [0, 1] as const

describe('a lost host of real guests', { concurrency: false }, () => {
  const cloud = new HostsCloud({
    offset: offsetOf('guests/instance-ha'),
    count: 2,
    sharing: [one, two],
    config: `
[DEFAULT]
service_down_time = 8
[instance_ha]
enabled = true
self_fence = true
lease_time = 10
fence_margin = 5
`,
  })
  let id = ''
  before(() => cloud.start())
  after(() => cloud.close())

  const serviceOf = async (number: number) => {
    const path = `/os-services?binary=nova-compute&host=${cloud.host(number).name}`
    return (await cloud.call('GET', path)).services[0]
  }
  const shown = async () => (await cloud.call('GET', `/servers/${id}`)).server
  const newestMigration = async () => (await cloud.call('GET', `/os-migrations?instance_uuid=${id}`)).migrations[0]
  /** On how many hosts the guest runs now. */
  const running = () => cloud.hosts.filter(host => host.qemusOf(id).length > 0).map(host => host.name)
  /** Until something is so; the guest never runs twice meanwhile. */
  const until = (what: string, isSo: () => Promise<boolean>) =>
    waitFor(
      what,
      async () => {
        assert.ok(running().length < 2, `it runs on ${running().join(' and ')}`)
        return (await isSo()) || undefined
      },
      { deadlineMs: 180_000, everyMs: 100 },
    )

  test('its aggregate says so, and it has a guest', async () => {
    const { aggregate } = await cloud.call('POST', '/os-aggregates', { aggregate: { name: 'ha' } })
    const act = (action: unknown) => cloud.call('POST', `/os-aggregates/${aggregate.id}/action`, action)
    await act({ add_host: { host: cloud.host(one).name } })
    await act({ set_metadata: { metadata: { instance_ha: 'evacuate' } } })
    const { images } = await cloud.call('GET', '/images?name=debian-stock', undefined, 'image')
    const flavor = { name: 'ha.small', ram: 112, vcpus: 1, disk: 1 }
    const made = await cloud.call('POST', '/servers', {
      server: {
        name: 'survivor',
        imageRef: images[0].id,
        flavorRef: (await cloud.call('POST', '/flavors', { flavor })).flavor.id,
        availability_zone: `nova:${cloud.host(one).name}`,
        networks: 'none',
      },
    })
    id = made.server.id
    await cloud.settled(id, 'ACTIVE')
    assert.deepEqual(running(), [cloud.host(one).name])
    assert.equal(cloud.host(one).guards().length, 1)
  })

  test('nova-compute is killed: the guard kills the guest, and only then it starts on the other host', async () => {
    await cloud.host(one).kill()
    assert.deepEqual(running(), [cloud.host(one).name], 'it runs on for now')
    await until('the guest to be killed', async () => running().length === 0)
    assert.equal((await shown())['OS-EXT-SRV-ATTR:host'], cloud.host(one).name, 'nobody knows of it yet')
    await until('the server to be evacuated', async () => {
      const server = await shown()
      return server['OS-EXT-SRV-ATTR:host'] === cloud.host(two).name && server.status === 'ACTIVE'
    })
    assert.deepEqual(running(), [cloud.host(two).name])
    const { migration_type: type, status } = await newestMigration()
    assert.deepEqual([type, status], ['evacuation', 'done'])
    const service = await serviceOf(one)
    assert.deepEqual([service.state, service.forced_down, service.status], ['down', true, 'enabled'])
    assert.match(service.disabled_reason, /^instance HA: fenced by lease at /)
  })

  test('the host is back: it removes what has left, starts nothing, and is an ordinary host when an operator says so', async () => {
    await cloud.host(one).start()
    await until('the evacuation to be completed', async () => (await newestMigration()).status === 'completed')
    assert.ok(!cloud.host(one).defines(id))
    assert.deepEqual(running(), [cloud.host(two).name])
    assert.equal((await serviceOf(one)).state, 'down')
    await cloud.call('PUT', `/os-services/${(await serviceOf(one)).id}`, { forced_down: false })
    await until('the host to be up, with nothing to say', async () => {
      const { state, disabled_reason: reason } = await serviceOf(one)
      return state === 'up' && reason === null
    })
    await cloud.act(id, { 'os-migrateLive': { host: cloud.host(one).name, block_migration: false } })
    await cloud.settled(id, 'ACTIVE')
    assert.deepEqual(running(), [cloud.host(one).name])
    await cloud.call('DELETE', `/servers/${id}`)
    await until('the guest to go', async () => running().length === 0)
  })
})
