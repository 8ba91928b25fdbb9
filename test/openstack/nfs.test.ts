/** Volumes of Cinder's own NFS driver on simulated hosts: a snapshot of one in use, for which Cinder asks Nova and waits for what it says. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Closers, waitFor } from '#base'
import { nfsType } from '../../tools/openstack/cinder-nfs.ts'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork } from '../cli/session.ts'
import { unique } from '../cloud/world.ts'
import { freePorts } from '../rabbit/broker.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, type Nova, startNova } from './nova.ts'
import { type Recorder, record } from './recorder.ts'

describe("Cinder's NFS driver", () => {
  const closers = new Closers()
  const name = unique('shared').replace(' ', '-')
  let file: NeighboursFile
  let nova: Nova
  let recorder: Recorder

  before(async () => {
    file = neighboursFile()
    const [port = 0] = await freePorts(1)
    recorder = await record(file.ports.compute, port)
    closers.add(() => recorder.close())
    nova = await startNova(file, ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'], {
      host: 'sharing-1',
      more: { DEFAULT: { osapi_compute_listen_port: port } },
    })
    closers.add(() => nova.close())
    const bits = join(nova.folder, 'bits')
    writeFileSync(bits, Buffer.alloc(100_000, 'x'))
    await work(
      `image create --public --disk-format raw --container-format bare --file ${bits} ${name}`,
      `flavor create ${name} --ram 64 --disk 1 --vcpus 1`,
      `server create --flavor ${name} --image ${name} --nic none --wait ${name}`,
      `volume create --size 1 --type ${nfsType} ${name}`,
    )
    await becomes('volume', 'available')
  })
  after(() => closers.close())

  const work = (...commands: string[]) => allWork(nova, ...commands)
  const becomes = (kind: 'volume' | 'volume snapshot', status: string) =>
    waitFor(
      `the ${kind} to be ${status}`,
      async () => {
        const now = (await asked<{ status: string }>(nova, `${kind} show ${name}`)).status
        assert.doesNotMatch(now, /error/)
        return now === status || undefined
      },
      { deadlineMs: 180_000, everyMs: 500 },
    )
  /** What Cinder asked of Nova, in its order. */
  const assisted = () =>
    recorder.heard
      .filter(({ path }) => path.includes('/os-assisted-volume-snapshots'))
      .map(({ method, status }) => [method, status])

  test('a volume is attached, is snapshotted in use, and the snapshot is taken out of it again', async () => {
    await work(`server add volume ${name} ${name}`)
    await becomes('volume', 'in-use')
    await work(`volume snapshot create --force --volume ${name} ${name}`)
    await becomes('volume snapshot', 'available')
    assert.deepEqual(assisted(), [['POST', 200]])
    await work(`volume snapshot delete ${name}`)
    await waitFor(
      'the snapshot to be gone',
      async () => {
        const left = await asked<{ Name: string; Status: string }[]>(nova, 'volume snapshot list')
        assert.ok(!left.some(one => /error/.test(one.Status)), JSON.stringify(left))
        return left.every(one => one.Name !== name) || undefined
      },
      { deadlineMs: 180_000, everyMs: 500 },
    )
    assert.deepEqual(assisted(), [
      ['POST', 200],
      ['DELETE', 204],
    ])
    await work(`server remove volume ${name} ${name}`)
    await becomes('volume', 'available')
  })

  test('a cloud that is kept is as it was before, without the host too', async () => {
    await work(`server delete --wait ${name}`, `volume delete ${name}`, `flavor delete ${name}`, `image delete ${name}`)
    assert.equal(await nova.service['nova-compute']?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await work(...services.map(({ ID }) => `compute service delete ${ID}`))
  })
})
