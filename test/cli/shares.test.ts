import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../guests/cloud.ts'
import { offsetOf } from '../offsets.ts'
import { allWork, session } from './session.ts'

/** Shares as the `openstack` client asks for them, with the plug-in of python3-manilaclient, against simulated hosts. */

const cloud = new TestCloud(offsetOf('cli/shares'))

describe('shares through the openstack client', { concurrency: false }, () => {
  before(() => cloud.start('--hypervisor', 'fake', '--bare'))
  after(() => cloud.destroy())

  test('made, found by name, opened and closed, resized, described, deleted', async () => {
    const output = await allWork(
      cloud,
      'share create NFS 1 --name files --wait',
      'share list',
      'share show files',
      'share export location list files',
      'share access create files ip 192.0.2.1',
      'share access list files',
      'share resize files 2',
      'share set files --property colour=blue',
      'share list -c Name -c Size -f value',
      'share type list',
      'share limits show --absolute',
      'share service list',
      'share pool list',
      'share availability zone list',
    )
    assert.match(output, /shares\/share-[0-9a-f-]{36}/)
    assert.match(output, /192\.0\.2\.1/)
    assert.match(output, /files 2/)
    const refused = await session(cloud, ['share access create files ip nowhere'])
    assert.match(refused, /'nowhere' does not appear to be an IPv4 or IPv6 network/)
    await allWork(cloud, 'share delete files --wait')
    assert.doesNotMatch(await allWork(cloud, 'share list'), /files/)
  })
})
