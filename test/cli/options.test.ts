import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { TestCloud } from '../guests/cloud.ts'
import { offsetOf } from '../offsets.ts'

/** The options of the one-machine cloud, on simulated hosts. */

const bits = Buffer.from(`an image of the user ${'x'.repeat(5000)}`)
const md5 = createHash('md5').update(bits).digest('hex')

describe('options', { concurrency: false }, () => {
  const cloud = new TestCloud(offsetOf('cli/options'))
  after(() => cloud.destroy())

  test('--hosts makes so many hosts, --image FILE takes the place of cirros, --bare leaves the first server out', async () => {
    const file = join(cloud.stateDir, 'own.img')
    writeFileSync(file, bits)
    const ready = await cloud.start('--hypervisor', 'fake', '--hosts', '3', '--image', file, '--bare')
    assert.deepEqual(ready.servers, [])
    const hosts = await cloud.json<{ 'Hypervisor Hostname': string }[]>('hypervisor', 'list')
    assert.equal(new Set(hosts.map(h => h['Hypervisor Hostname'])).size, 3)
    const image = await cloud.json<{ checksum: string; status: string }>('image', 'show', 'cirros')
    assert.deepEqual([image.status, image.checksum], ['active', md5])
  })

  test('the credentials are random, stay, and are for the owner alone', async () => {
    const before = readFileSync(cloud.ready?.openrc ?? '', 'utf8')
    assert.equal(statSync(cloud.ready?.openrc ?? '').mode & 0o077, 0)
    assert.equal(statSync(cloud.stateDir).mode & 0o077, 0)
    await cloud.stop('SIGINT')
    await cloud.start('--hypervisor', 'fake', '--hosts', '3', '--bare')
    assert.equal(readFileSync(cloud.ready?.openrc ?? '', 'utf8'), before)
    assert.doesNotMatch(cloud.log(), new RegExp(/OS_PASSWORD='(.+)'/.exec(before)?.[1] ?? 'no password'))
  })

  test('a second program on the same folder is refused', async t => {
    const { stateDir } = cloud
    const second = new TestCloud(offsetOf('cli/options second'), stateDir)
    t.after(() => second.stop('SIGKILL'))
    await assert.rejects(second.start('--hypervisor', 'fake'), /ended with 1: Another cloud \(process \d+\) runs on/)
  })

  test('a wrong option ends with 2 and one line', async () => {
    const wrong = new TestCloud(offsetOf('cli/options wrong'))
    await assert.rejects(
      wrong.start('--hypervisor', 'xen'),
      /ended with 2: error: option '--hypervisor <TYPE>' argument 'xen' is invalid/,
    )
    await assert.rejects(wrong.start('--hosts', '3'), /ended with 2: error: --hosts needs --hypervisor fake/)
    await wrong.destroy()
  })
})

test('--image URL fetches the image', async () => {
  const server = createServer((_request, response) => response.end(bits)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const cloud = new TestCloud(offsetOf('cli/options url'))
  try {
    await cloud.start('--hypervisor', 'fake', '--image', `http://127.0.0.1:${port}/own.img`, '--bare')
    const image = await cloud.json<{ checksum: string; disk_format: string }>('image', 'show', 'cirros')
    assert.deepEqual([image.checksum, image.disk_format], [md5, 'qcow2'])
  } finally {
    server.close()
    await cloud.destroy()
  }
})
