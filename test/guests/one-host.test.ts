import { after, before, describe } from 'node:test'
import { offsetOf } from '../offsets.ts'
import { removeLeftovers, TestCloud } from './cloud.ts'
import { configDriveTests } from './config-drive.ts'
import { guestOperationTests } from './guest-operations.ts'
import { hardwareTests } from './hardware.ts'
import { snapshotTests } from './snapshots.ts'
import { volumeTests } from './volumes.ts'

/**
 * What guests of one host see: many subjects and one cloud, for a cloud takes as long to come and go as a guest to boot.
 * `--test-name-pattern` chooses a subject.
 */
describe('guests of one host', { concurrency: false }, () => {
  const cloud = new TestCloud(offsetOf('guests/one-host'))
  before(async () => {
    await removeLeftovers()
    await cloud.start('--bare')
    await cloud.whenImage('cirros')
    await bootFirst(cloud)
  })
  after(() => cloud.destroy())

  describe('a server with a config drive', () => configDriveTests(cloud))
  describe('hardware of guests', () => hardwareTests(cloud))
  describe('volumes of guests', () => volumeTests(cloud))
  describe('images of servers', () => snapshotTests(cloud))
  describe('operations on a guest', () => guestOperationTests(cloud))
})

/** Of cirros, which boots in a third of the time that Debian's kernel takes. */
async function bootFirst(cloud: TestCloud): Promise<void> {
  const api = await cloud.api()
  const { images } = await api.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
  const { networks } = await api.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
  const flavor = { name: 'f1.first', ram: 64, disk: 1, vcpus: 1 }
  const made = await api.call<{ flavor: { id: string } }>('compute', 'POST', '/flavors', { flavor })
  const server = {
    name: 'first',
    imageRef: images[0]?.id,
    flavorRef: made.flavor.id,
    key_name: 'first',
    networks: [{ uuid: networks[0]?.id }],
  }
  await api.call('compute', 'POST', '/servers', { server })
  await cloud.whenStatus('first', 'ACTIVE')
}
