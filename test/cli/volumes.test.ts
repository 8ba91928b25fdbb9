import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../guests/cloud.ts'
import { offsetOf } from '../offsets.ts'
import { allWork } from './session.ts'

/** Volumes of servers as the `openstack` client asks for them, against simulated hosts. */

const cloud = new TestCloud(offsetOf('cli/volumes'))

describe('volumes through the openstack client', { concurrency: false }, () => {
  before(async () => {
    await cloud.start('--hypervisor', 'fake')
    await allWork(
      cloud,
      'volume create --size 1 data',
      'volume create --size 1 --image cirros boot',
      'volume create --size 1 spare',
    )
  })
  after(() => cloud.destroy())

  const server = '--flavor m1.tiny --network private --wait'
  const compute = '--os-compute-api-version'

  test('from an image to a volume, on a volume, with more of them', async () => {
    const { id } = await cloud.json<{ id: string }>('volume', 'show', 'data')
    const output = await allWork(
      cloud,
      `server create --image cirros --boot-from-volume 1 ${server} v1`,
      `server create --volume boot ${server} v2`,
      `server create --image cirros --block-device source_type=volume,uuid=${id},destination_type=volume,boot_index=-1 ${server} v3`,
      `server create --image cirros --block-device-mapping vdb=spare:volume ${server} v4`,
      'server show v1',
      'volume list',
      'server delete --wait v1 v2 v3 v4',
    )
    assert.match(output, /N\/A \(booted from volume\)/)
    assert.match(output, /in-use/)
  })

  test('add, list, change, remove', async () => {
    await allWork(
      cloud,
      `server create --image cirros ${server} plain`,
      'server add volume plain data',
      'server add volume --device /dev/vdf plain spare',
    )
    const newer = await allWork(
      cloud,
      'server volume list plain',
      'server show plain -c volumes_attached',
      'server remove volume plain data',
      'volume show data -c status',
    )
    assert.match(newer, /\/dev\/vdf/)
    const env = { ...cloud.clientEnvironment(), COLUMNS: '200' }
    const { id } = await cloud.json<{ id: string }>('volume', 'show', 'spare')
    for (const args of [
      [compute, '2.89', 'server', 'volume', 'list', 'plain'],
      [compute, '2.85', 'server', 'volume', 'update', '--delete-on-termination', 'plain', id],
      [compute, '2.79', 'server', 'add', 'volume', '--enable-delete-on-termination', '--tag', 't', 'plain', 'data'],
      ['server', 'delete', '--wait', 'plain'],
    ]) {
      const { stdout, code } = await run(args, env)
      assert.equal(code, 0, `${args.join(' ')}: ${stdout}`)
    }
  })
})

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ stdout: string; code: number | null }> {
  const client = spawn('openstack', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  for (const stream of [client.stdout, client.stderr])
    stream.on('data', (text: Buffer) => {
      stdout += text.toString()
    })
  return new Promise(resolve => client.once('close', code => resolve({ stdout, code })))
}
