/** Ports of a server that moves alive, at Debian's Neutron: bound to the target before the move, switched after it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Closers, waitFor } from '#base'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork } from '../cli/session.ts'
import { Rest } from '../cloud/rest.ts'
import { unique } from '../cloud/world.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, type Nova, startNova } from './nova.ts'
import { type Recorder, record, type Watch } from './recorder.ts'

const here = 'moving-1'
const there = 'moving-2'

interface Migration {
  readonly id: number
  readonly status: string
}

interface Binding {
  readonly host: string
  readonly status: string
}

/** One request about bindings, and what was so when it was made. */
interface Moment {
  readonly asked: string
  readonly migration: string | undefined
  readonly bindings: readonly string[]
}

const bindingPath = /^\/v2\.0\/ports\/([^/?]+)\/bindings(\/[^?]*)?/

describe('a live migration at Neutron', () => {
  const closers = new Closers()
  const name = unique('moving').replace(' ', '-')
  const moments: Moment[] = []
  let duringBinding: () => Promise<void> = async () => undefined
  let file: NeighboursFile
  let nova: Nova
  let admin: Rest
  let neutron: Recorder
  let serverId: string

  const compute = <T>(method: string, path: string, body?: unknown) =>
    admin.call<T>('compute', method, path, body, { 'openstack-api-version': 'compute 2.90' })
  const newest = async (): Promise<Migration | undefined> => {
    const { migrations } = await compute<{ migrations: Migration[] }>(
      'GET',
      `/os-migrations?instance_uuid=${serverId}&migration_type=live-migration`,
    )
    return migrations.toSorted((a, b) => b.id - a.id)[0]
  }
  const bindingsOf = async (port: string): Promise<readonly string[]> => {
    const { bindings } = await admin.call<{ bindings: Binding[] }>('network', 'GET', `/v2.0/ports/${port}/bindings`)
    return bindings.map(({ host, status }) => `${host} ${status}`).sort()
  }
  const portId = async (): Promise<string> => {
    const { ports } = await admin.call<{ ports: { id: string }[] }>(
      'network',
      'GET',
      `/v2.0/ports?device_id=${serverId}`,
    )
    return ports[0]?.id ?? ''
  }

  const watch: Watch = async (method, path) => {
    const match = bindingPath.exec(path)
    if (match === null || method === 'GET') return
    const [, port = '', rest = ''] = match
    const bindings = await bindingsOf(port)
    moments.push({ asked: `${method} ${rest}`, migration: (await newest())?.status, bindings })
    if (method === 'POST') await duringBinding()
  }

  before(async () => {
    file = neighboursFile()
    admin = await Rest.login(file.urls.identity, 'admin', file.passwords.admin, 'admin')
    neutron = await record(0, file.ports.neutron, watch)
    closers.add(() => neutron.close())
    const names = ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'] as const
    nova = await startNova(file, names, {
      host: here,
      otherHosts: [there],
      more: { neutron: { endpoint_override: `http://127.0.0.1:${neutron.port}` } },
    })
    closers.add(() => nova.close())
    const bits = join(nova.folder, 'bits')
    writeFileSync(bits, Buffer.alloc(100_000, 'x'))
    await allWork(
      nova,
      `image create --public --disk-format raw --container-format bare --file ${bits} ${name}`,
      `network create ${name}`,
      `subnet create --network ${name} --subnet-range 10.79.0.0/24 ${name}`,
      `flavor create ${name} --ram 64 --disk 1 --vcpus 1`,
      `server create --flavor ${name} --image ${name} --network ${name} --host ${here} --wait ${name}`,
    )
    serverId = (await asked<{ id: string }>(nova, `server show ${name}`)).id
  })
  after(() => closers.close())

  const hostOf = async () => (await compute<{ server: Record<string, unknown> }>('GET', `/servers/${serverId}`)).server
  async function move(): Promise<string> {
    await compute('POST', `/servers/${serverId}/action`, { 'os-migrateLive': { host: there, block_migration: 'auto' } })
    return waitFor(
      'the migration to end',
      async () => {
        const status = (await newest())?.status ?? ''
        return /^(completed|error|failed|cancelled)$/.test(status) ? status : undefined
      },
      { deadlineMs: 120_000, everyMs: 250 },
    )
  }

  test('one that is cancelled before the copy leaves the port where it was', async () => {
    duringBinding = async () => {
      const migration = await newest()
      await compute('DELETE', `/servers/${serverId}/migrations/${migration?.id}`)
    }
    assert.equal(await move(), 'cancelled')
    duringBinding = async () => undefined
    assert.deepEqual(
      moments.map(moment => moment.asked),
      ['POST ', `DELETE /${there}`],
    )
    assert.deepEqual(await bindingsOf(await portId()), [`${here} ACTIVE`])
    const server = await hostOf()
    assert.deepEqual([server['OS-EXT-SRV-ATTR:host'], server['status']], [here, 'ACTIVE'])
  })

  test('the port is bound to the target before the guest moves, and switched when it has', async () => {
    moments.length = 0
    assert.equal(await move(), 'completed')
    assert.deepEqual(moments, [
      { asked: 'POST ', migration: 'preparing', bindings: [`${here} ACTIVE`] },
      {
        asked: `PUT /${there}/activate`,
        migration: 'post-migrating',
        bindings: [`${here} ACTIVE`, `${there} INACTIVE`],
      },
      { asked: `DELETE /${here}`, migration: 'post-migrating', bindings: [`${here} INACTIVE`, `${there} ACTIVE`] },
    ])
    const port = await portId()
    assert.deepEqual(await bindingsOf(port), [`${there} ACTIVE`])
    // Whether it is up, an agent says, and simulated hosts have none.
    const { port: shown } = await admin.call<{ port: Record<string, unknown> }>('network', 'GET', `/v2.0/ports/${port}`)
    assert.equal(shown['binding:host_id'], there)
    const server = await hostOf()
    assert.deepEqual([server['OS-EXT-SRV-ATTR:host'], server['status']], [there, 'ACTIVE'])
    assert.deepEqual(
      neutron.heard.filter(({ status }) => status >= 400),
      [],
    )
  })

  test('a cloud that is kept is as it was before, without the hosts too', async () => {
    await allWork(
      nova,
      `server delete --wait ${name}`,
      `network delete ${name}`,
      `flavor delete ${name}`,
      `image delete ${name}`,
    )
    const all = [nova.service['nova-compute'], ...Object.values(nova.otherHost)]
    for (const process of all) assert.equal(await process?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await allWork(nova, ...services.map(({ ID }) => `compute service delete ${ID}`))
  })
})
