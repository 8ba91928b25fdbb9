/** Unified limits of Debian's Keystone: those of the endpoint that nova.conf names, and of no other Nova. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Closers } from '#base'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork } from '../cli/session.ts'
import { Rest } from '../cloud/rest.ts'
import { unique } from '../cloud/world.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, type Nova, startNova } from './nova.ts'

interface Listed {
  readonly id: string
}

describe('unified limits', () => {
  const closers = new Closers()
  const image = unique('limited').replace(' ', '-')
  const host = 'limited-1'
  let file: NeighboursFile
  let nova: Nova
  let admin: Rest
  let demo: Rest

  const keystone = <T = unknown>(method: string, path: string, body?: unknown) =>
    admin.call<T>('identity', method, path, body)

  /** Gone again with the test. */
  async function limit(kind: 'registered_limits' | 'limits', wish: object): Promise<void> {
    const made = await keystone<Record<string, Listed[]>>('POST', `/${kind}`, { [kind]: [wish] })
    for (const { id } of made[kind] ?? []) closers.add(() => keystone('DELETE', `/${kind}/${id}`).then(() => undefined))
  }

  before(async () => {
    file = neighboursFile()
    const login = (user: 'admin' | 'demo') => Rest.login(file.urls.identity, user, file.passwords[user], user)
    admin = await login('admin')
    demo = await login('demo')
    const { services } = await keystone<{ services: Listed[] }>('GET', '/services?name=nova')
    const service_id = services[0]?.id ?? ''
    const { endpoints } = await keystone<{ endpoints: Listed[] }>(
      'GET',
      `/endpoints?service_id=${service_id}&interface=public`,
    )
    const region_id = file.region
    const wishes = { servers: 1, 'class:VCPU': 9, 'class:MEMORY_MB': 999, 'class:DISK_GB': 9 }
    for (const [resource_name, default_limit] of Object.entries(wishes))
      await limit('registered_limits', { service_id, region_id, resource_name, default_limit })
    // Of the same Nova in another region and in none, and of another one.
    const elsewhere = await keystone<{ service: Listed }>('POST', '/services', {
      service: { type: 'compute', name: unique('other nova') },
    })
    closers.add(() => keystone('DELETE', `/services/${elsewhere.service.id}`).then(() => undefined))
    await keystone('PUT', '/regions/Elsewhere', { region: {} })
    closers.add(() => keystone('DELETE', '/regions/Elsewhere').then(() => undefined))
    const many = { resource_name: 'servers', default_limit: 50 }
    for (const place of [
      { service_id },
      { service_id, region_id: 'Elsewhere' },
      { service_id: elsewhere.service.id },
      { service_id: elsewhere.service.id, region_id },
    ])
      await limit('registered_limits', { ...many, ...place })
    const meta = { resource_name: 'server_metadata_items', default_limit: 77 }
    await limit('registered_limits', { ...meta, service_id: elsewhere.service.id })

    nova = await startNova(file, ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'], {
      host,
      more: {
        quota: { driver: 'nova.quota.UnifiedLimitsDriver' },
        oslo_limit: { endpoint_id: endpoints[0]?.id ?? '' },
      },
    })
    closers.add(() => nova.close())
    const bits = join(nova.folder, 'bits')
    writeFileSync(bits, Buffer.alloc(100_000, 'x'))
    await allWork(
      nova,
      `image create --public --disk-format raw --container-format bare --file ${bits} ${image}`,
      `flavor create ${image} --ram 64 --disk 1 --vcpus 1`,
    )
  })
  after(() => closers.close())

  async function create(): Promise<{ status: number; text: string }> {
    const { flavors } = await demo.call<{ flavors: (Listed & { name: string })[] }>('compute', 'GET', '/flavors')
    const { images } = await demo.call<{ images: Listed[] }>('image', 'GET', `/v2/images?name=${image}`)
    const wish = {
      name: image,
      flavorRef: flavors.find(flavor => flavor.name === image)?.id,
      imageRef: images[0]?.id,
      networks: 'none',
    }
    const reply = await demo.ask(
      'compute',
      'POST',
      '/servers',
      { server: wish },
      { 'openstack-api-version': 'compute 2.90' },
    )
    return { status: reply.status, text: await reply.text() }
  }

  test('the limit of the endpoint’s service and region counts', async () => {
    assert.equal((await create()).status, 202)
    const { status, text } = await create()
    assert.equal(status, 403, text)
    assert.match(text, /servers is over limit of 1 due to current usage 1 and delta 1/)
    const { limits } = await demo.call<{ limits: { absolute: Record<string, number> } }>('compute', 'GET', '/limits')
    assert.deepEqual([limits.absolute['maxTotalInstances'], limits.absolute['totalInstancesUsed']], [1, 1])
    assert.notEqual(limits.absolute['maxServerMeta'], 77)
  })

  test('a limit of the project goes before it', async () => {
    const { services } = await keystone<{ services: Listed[] }>('GET', '/services?name=nova')
    const place = { service_id: services[0]?.id, region_id: file.region, project_id: demo.projectId }
    await limit('limits', { ...place, resource_name: 'servers', resource_limit: 2 })
    assert.equal((await create()).status, 202)
    assert.match((await create()).text, /servers is over limit of 2 due to current usage 2 and delta 1/)
  })

  test('a cloud that is kept is as it was before, without the host too', async () => {
    const mine = await asked<{ ID: string }[]>(nova, 'server list --all-projects')
    await allWork(
      nova,
      ...mine.map(({ ID }) => `server delete --wait ${ID}`),
      `flavor delete ${image}`,
      `image delete ${image}`,
    )
    assert.equal(await nova.service['nova-compute']?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await allWork(nova, ...services.map(({ ID }) => `compute service delete ${ID}`))
  })
})
