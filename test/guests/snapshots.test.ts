import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { removeLeftovers, TestCloud } from './cloud.ts'

/** Images of servers: what was on the disk is in every server made of them, and who was copied did not notice. */

interface ImageView {
  readonly id: string
  readonly status: string
  readonly disk_format: string
  readonly size: number
  readonly properties: Readonly<Record<string, unknown>>
}

const text = 'written before the copy'
/** Counts in memory, in a process whose number says that it is still the same. */
const counter =
  'i=0; while :; do i=$((i + 1)); echo "$$ $i" > /run/count.new; mv /run/count.new /run/count; sleep 0.1; done'

describe('images of servers', { concurrency: false }, () => {
  const cloud = new TestCloud(23_500)
  let address = ''
  let id = ''
  before(async () => {
    await removeLeftovers()
    await cloud.start()
    const server = await cloud.server('first')
    id = server.id
    address = addressOf(server)
    await cloud.whenConsole(id, 'guest: ready')
    await cloud.ssh(address, `echo ${text} > kept && sync`)
    await cloud.ssh(address, `sudo sh -c '(trap "" HUP; ${counter}) < /dev/null > /dev/null 2>&1 &'`)
  })
  after(() => cloud.destroy())

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
      { deadlineMs: 20_000 },
    )
  const images = async (prefix: string): Promise<string[]> =>
    (await cloud.openstack('image', 'list', '-f', 'value', '-c', 'Name')).split('\n').filter(n => n.startsWith(prefix))
  const litter = (): string[] => {
    const path = join(cloud.stateDir, 'instances', 'snapshots')
    return existsSync(path) ? readdirSync(path) : []
  }

  test('a running server is copied and goes on meanwhile', async () => {
    const before = await count()
    await cloud.openstack('server', 'image', 'create', '--wait', '--name', 'copy', 'first')
    await wentOn(before)
    const image = await cloud.json<ImageView>('image', 'show', 'copy')
    assert.deepEqual([image.status, image.disk_format], ['active', 'qcow2'])
    assert.ok(image.size > 1024 * 1024)
    assert.equal((await cloud.server('first')).status, 'ACTIVE')
    assert.deepEqual(litter(), [])
  })

  test('the hosts of an aggregate fetch it ahead', async () => {
    const { id: copyId } = await cloud.json<ImageView>('image', 'show', 'copy')
    const base = join(cloud.stateDir, 'instances', '_base', createHash('sha1').update(copyId).digest('hex'))
    assert.ok(!existsSync(base))
    const host = await cloud.openstack(
      'compute',
      'service',
      'list',
      '--service',
      'nova-compute',
      '-f',
      'value',
      '-c',
      'Host',
    )
    await cloud.openstack('aggregate', 'create', 'ahead')
    await cloud.openstack('aggregate', 'add', 'host', 'ahead', host.split('\n')[0] ?? '')
    await cloud.openstack('--os-compute-api-version', '2.81', 'aggregate', 'cache', 'image', 'ahead', 'copy')
    await waitFor('the image to be fetched', () => (existsSync(base) ? true : undefined), { deadlineMs: 30_000 })
  })

  test('a server made of the copy has its file', async () => {
    const flavor = await cloud.openstack('server', 'show', 'first', '-f', 'value', '-c', 'flavor')
    const wanted = ['--flavor', flavor.split(' ')[0] ?? '', '--network', 'private', '--key-name', 'first']
    await cloud.openstack('server', 'create', ...wanted, '--image', 'copy', 'twin')
    const twin = await cloud.whenStatus('twin', 'ACTIVE')
    await cloud.whenConsole(twin.id, 'guest: ready')
    assert.equal(await cloud.ssh(addressOf(twin), 'cat kept && hostname'), `${text}\ntwin`)
    await cloud.openstack('server', 'delete', '--wait', 'twin')
  })

  test('of the backups the newest stay', async () => {
    const before = await count()
    const backup = (name: string) =>
      cloud.openstack(
        'server',
        'backup',
        'create',
        '--wait',
        '--name',
        name,
        '--type',
        'daily',
        '--rotate',
        '1',
        'first',
      )
    await backup('backup-1')
    await backup('backup-2')
    await waitFor('the rotation', async () => ((await images('backup-')).length === 1 ? true : undefined), {
      deadlineMs: 30_000,
    })
    assert.deepEqual(await images('backup-'), ['backup-2'])
    await wentOn(before)
  })

  test('from the shelf a server comes back with its file and address', async () => {
    const folder = join(cloud.stateDir, 'instances', id)
    await cloud.openstack('server', 'shelve', 'first')
    const shelved = await cloud.whenStatus('first', 'SHELVED_OFFLOADED')
    assert.equal(addressOf(shelved), address)
    assert.ok(!existsSync(folder))
    assert.deepEqual(await images('first-shelved'), ['first-shelved'])
    const unshelve = ['--os-compute-api-version', '2.77', 'server', 'unshelve', '--availability-zone', 'nova', 'first']
    await cloud.openstack(...unshelve)
    const back = await cloud.whenStatus('first', 'ACTIVE')
    assert.equal(addressOf(back), address)
    await cloud.whenConsole(id, 'guest: ready')
    assert.equal(await cloud.ssh(address, 'cat kept'), text)
    await waitFor('the image to go', async () => ((await images('first-shelved')).length === 0 ? true : undefined), {
      deadlineMs: 30_000,
    })
  })

  test('and starts again without the image that it came back from', async () => {
    await cloud.openstack('server', 'reboot', '--hard', '--wait', 'first')
    await cloud.whenConsole(id, 'guest: ready')
    assert.equal(await cloud.ssh(address, 'cat kept'), text)
    assert.deepEqual(litter(), [])
  })
})
