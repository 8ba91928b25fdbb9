import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { waitFor } from '#base'
import type { TestCloud } from './cloud.ts'
import type { CloudApi } from './cloud-api.ts'

/** Images of servers: what was on the disk is in every server made of them, and who was copied did not notice. */

interface ImageView {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly disk_format: string
  readonly size: number
}

const text = 'written before the copy'
/** Counts in memory, in a process whose number says that it is still the same. */
const counter =
  'i=0; while :; do i=$((i + 1)); echo "$$ $i" > /run/count.new; mv /run/count.new /run/count; sleep 0.1; done'

export function snapshotTests(cloud: TestCloud): void {
  let api: CloudApi
  let address = ''
  let id = ''
  before(async () => {
    api = await cloud.api()
    const server = await cloud.server('first')
    id = server.id
    address = addressOf(server)
    await cloud.whenConsole(id, 'guest: ready')
    await cloud.ssh(address, `echo ${text} > kept && sync`)
    await cloud.ssh(address, `sudo sh -c '(trap "" HUP; ${counter}) < /dev/null > /dev/null 2>&1 &'`)
  })

  const addressOf = (server: { addresses: Record<string, string[]> }): string =>
    Object.values(server.addresses)[0]?.find(ip => !ip.includes(':')) ?? ''
  const count = async (): Promise<{ process: number; beats: number }> => {
    const [process = 0, beats = 0] = (await cloud.ssh(address, 'cat /run/count')).split(' ').map(Number)
    return { process, beats }
  }
  /** The same process as before, and further. */
  const wentOn = (before: { process: number; beats: number }) =>
    waitFor(
      'the counter to go on',
      async () => {
        const now = await count()
        assert.equal(now.process, before.process)
        return now.beats > before.beats ? true : undefined
      },
      { deadlineMs: 60_000 },
    )
  const images = async (name: string): Promise<readonly ImageView[]> =>
    (await api.call<{ images: ImageView[] }>('image', 'GET', '/v2/images')).images.filter(i => i.name.startsWith(name))
  const names = async (name: string) => (await images(name)).map(image => image.name)
  const act = (action: string, body: unknown, server = id) =>
    api.call('compute', 'POST', `/servers/${server}/action`, { [action]: body })
  const whenImage = (name: string): Promise<ImageView> =>
    waitFor(`image ${name}`, async () => (await images(name)).find(({ status }) => status === 'active'), {
      deadlineMs: 120_000,
    })
  const whenIdle = (status: string) =>
    waitFor(
      `first to be ${status}`,
      async () => {
        const server = await cloud.server('first')
        if (server.status === 'ERROR') throw new Error(server.fault?.message)
        return server.status === status && server['OS-EXT-STS:task_state'] === null ? server : undefined
      },
      { deadlineMs: 120_000 },
    )
  const litter = (): string[] => {
    const path = join(cloud.stateDir, 'instances', 'snapshots')
    return existsSync(path) ? readdirSync(path) : []
  }

  test('a running server is copied and goes on meanwhile', async () => {
    const before = await count()
    await act('createImage', { name: 'copy' })
    const image = await whenImage('copy')
    await wentOn(before)
    assert.equal(image.disk_format, 'qcow2')
    assert.ok(image.size > 1024 * 1024)
    await whenIdle('ACTIVE')
    assert.deepEqual(litter(), [])
  })

  test('the hosts of an aggregate fetch it ahead', async () => {
    const copy = await whenImage('copy')
    const base = join(cloud.stateDir, 'instances', '_base', createHash('sha1').update(copy.id).digest('hex'))
    assert.ok(!existsSync(base))
    const { aggregate } = await api.call<{ aggregate: { id: number } }>('compute', 'POST', '/os-aggregates', {
      aggregate: { name: 'ahead' },
    })
    const { services } = await api.call<{ services: { host: string }[] }>(
      'compute',
      'GET',
      '/os-services?binary=nova-compute',
    )
    const add_host = { host: services[0]?.host }
    await api.call('compute', 'POST', `/os-aggregates/${aggregate.id}/action`, { add_host })
    await api.call('compute', 'POST', `/os-aggregates/${aggregate.id}/images`, { cache: [{ id: copy.id }] })
    await waitFor('the image to be fetched', () => (existsSync(base) ? true : undefined), { deadlineMs: 30_000 })
  })

  test('a server made of the copy has its file', async () => {
    const { flavors } = await api.call<{ flavors: { id: string; name: string }[] }>('compute', 'GET', '/flavors')
    const { networks } = await api.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
    const wish = {
      name: 'twin',
      flavorRef: flavors.find(({ name }) => name === 'f1.first')?.id,
      imageRef: (await whenImage('copy')).id,
      key_name: 'first',
      networks: [{ uuid: networks[0]?.id }],
    }
    await api.call('compute', 'POST', '/servers', { server: wish })
    const twin = await cloud.whenStatus('twin', 'ACTIVE')
    await cloud.whenConsole(twin.id, 'guest: ready')
    assert.equal(await cloud.ssh(addressOf(twin), 'cat kept && hostname'), `${text}\ntwin`)
    await api.call('compute', 'DELETE', `/servers/${twin.id}`)
    await waitFor('twin to go', () => api.isGone('compute', `/servers/${twin.id}`), { deadlineMs: 60_000 })
  })

  test('of the backups the newest stay', async () => {
    const before = await count()
    for (const name of ['backup-1', 'backup-2']) {
      await act('createBackup', { name, backup_type: 'daily', rotation: 1 })
      await whenIdle('ACTIVE')
    }
    await waitFor('the rotation', async () => ((await names('backup-')).length === 1 ? true : undefined), {
      deadlineMs: 30_000,
    })
    assert.deepEqual(await names('backup-'), ['backup-2'])
    await wentOn(before)
  })

  test('from the shelf a server comes back with its file and address', async () => {
    const folder = join(cloud.stateDir, 'instances', id)
    await act('shelve', null)
    const shelved = await cloud.whenStatus('first', 'SHELVED_OFFLOADED')
    assert.equal(addressOf(shelved), address)
    assert.ok(!existsSync(folder))
    assert.deepEqual(await names('first-shelved'), ['first-shelved'])
    await act('unshelve', { availability_zone: 'nova' })
    const back = await cloud.whenStatus('first', 'ACTIVE')
    assert.equal(addressOf(back), address)
    await cloud.whenConsole(id, 'guest: ready')
    assert.equal(await cloud.ssh(address, 'cat kept'), text)
    await waitFor('the image to go', async () => ((await names('first-shelved')).length === 0 ? true : undefined), {
      deadlineMs: 30_000,
    })
  })

  test('and starts again without the image that it came back from', async () => {
    await whenIdle('ACTIVE')
    await act('reboot', { type: 'HARD' })
    await whenIdle('ACTIVE')
    await cloud.whenConsole(id, 'guest: ready')
    assert.equal(await cloud.ssh(address, 'cat kept'), text)
    assert.deepEqual(litter(), [])
  })
}
