/**
 * What a list costs does not depend on how long it is: as many SQL statements, questions to the policy and calls of
 * neighbours for a thousand servers as for a hundred.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiDeps, createComputeApi } from '#api'
import { Closers, silentLog, systemClock, waitFor } from '#base'
import type { Face } from '#http'
import { Enforcer, novaDefaults } from '#policy'
import { openStore } from '#store'
import { StatementCounter } from '#store/engine'
import { Crowd, populate, type Sample } from './crowd.ts'
import { type ApiCloud, type Json, newest, type Person, startCloud } from './harness.ts'

interface Cost {
  readonly statements: number
  readonly policy: number
  readonly neighbours: number
}

interface List {
  readonly path: string
  readonly versions: readonly string[]
  readonly as: 'member' | 'admin'
  /** How many rows the answer has. */
  readonly rows: (body: Json) => number
}

const few = 100
const many = 1000
const all = ['2.1', '2.69', newest]
const counter = new StatementCounter()
let policyCalls = 0
let neighbourCalls = 0

const folder = mkdtempSync(join(tmpdir(), 'nova-statements-'))
const file = join(folder, 'nova.sqlite')
let cloud: ApiCloud
let face: Face
let crowd: Crowd
let sample: Sample

/** The same port; its calls are counted. */
const counted = <T extends object>(port: T): T =>
  new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        neighbourCalls++
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })

/** A second face on the same database: what the services of the cloud do meanwhile is not counted. */
async function openCounted(): Promise<void> {
  const store = await openStore(`sqlite:///${file}`, { counter })
  closers.add(() => store.close())
  const { network, volumes, images, placement, baremetal, ...rest } = cloud.deps
  const neighbours = { network, volumes, images, placement, baremetal }
  const deps = {
    ...rest,
    ...Object.fromEntries(Object.entries(neighbours).map(([name, port]) => [name, counted<object>(port)])),
    store,
  } as unknown as ApiDeps
  const enforcer = new Enforcer({ defaults: novaDefaults, log: silentLog, clock: systemClock })
  const policy: Pick<Enforcer, 'allow'> = {
    allow(...asked) {
      policyCalls++
      return enforcer.allow(...asked)
    },
  }
  const { maxLimit } = deps.settings
  face = createComputeApi({ deps, identity: deps.identity, policy, options: { maxLimit } })
  closers.add(() => face.close())
}

async function bootSample(): Promise<Sample> {
  const request = async (method: string, path: string, body: unknown) => {
    const answer = await cloud.request(method, path, { version: newest, body })
    assert.ok(answer.status < 300, answer.text)
    return answer.body
  }
  const group = { name: 'group', policy: 'soft-affinity' }
  const { id: groupId } = (await request('POST', '/os-server-groups', { server_group: group })).server_group
  const serverId = await cloud.bootServer({ hints: { group: groupId }, fields: { metadata: { a: 'b' } } })
  const volumeId = await cloud.newVolume()
  await request('POST', `/servers/${serverId}/os-volume_attachments`, { volumeAttachment: { volumeId } })
  await cloud.volumeIs(volumeId, 'in-use')
  await request('PUT', `/servers/${serverId}/tags`, { tags: ['one', 'two'] })
  const settled = async () => ((await cloud.store.sagas.openOf(serverId)).length === 0 ? true : undefined)
  await waitFor('the attachment to be done', settled, { deadlineMs: 60_000 })
  return { serverId, groupId, host: 'host-1', userId: cloud.member.userId }
}

const closers = new Closers()
before(async () => {
  closers.add(() => rmSync(folder, { recursive: true, force: true }))
  cloud = await startCloud({ databases: folder })
  closers.add(() => cloud.close())
  sample = await bootSample()
  await openCounted()
  crowd = new Crowd(file)
  closers.add(() => crowd.close())
})
after(() => closers.close())

async function ask(path: string, version: string, as: Person): Promise<Json> {
  const headers = { 'x-auth-token': as.token, 'openstack-api-version': `compute ${version}` }
  const answer = await face.inject({ method: 'GET', url: `/v2.1${path}`, headers })
  assert.equal(answer.statusCode, 200, `${path} at ${version}: ${answer.body}`)
  return answer.json()
}

/** Of the second time: the first may have to read what is kept. */
async function costOf(list: List, version: string): Promise<Cost & { rows: number }> {
  const as = cloud[list.as]
  await ask(list.path, version, as)
  const [statements, policy, neighbours] = [counter.count, policyCalls, neighbourCalls]
  const body = await ask(list.path, version, as)
  return {
    statements: counter.count - statements,
    policy: policyCalls - policy,
    neighbours: neighbourCalls - neighbours,
    rows: list.rows(body),
  }
}

const length =
  (key: string) =>
  (body: Json): number =>
    body[key].length

const lists = (): List[] => {
  const ofSample = `/servers/${sample.serverId}`
  const period = 'start=2020-01-01T00:00:00&end=2100-01-01T00:00:00'
  const list = (path: string, as: List['as'], versions: readonly string[], rows: List['rows']) => {
    return { path, as, versions, rows }
  }
  const servers = ['', '/detail', '/detail?sort_key=display_name&tags=one', '/detail?status=ERROR'].flatMap(rest => [
    list(`/servers${rest}`, 'member', rest.includes('tags') ? [newest] : all, length('servers')),
    list(`/servers${rest}${rest.includes('?') ? '&' : '?'}all_tenants=1`, 'admin', [newest], length('servers')),
  ])
  return [
    ...servers,
    list('/os-server-groups', 'member', all, length('server_groups')),
    list('/os-server-groups?all_projects=1', 'admin', [newest], length('server_groups')),
    list(`/os-server-groups/${sample.groupId}`, 'member', all, body => body.server_group.members.length),
    list('/os-migrations', 'admin', all, length('migrations')),
    list(`${ofSample}/migrations`, 'admin', [newest], length('migrations')),
    list('/os-hypervisors', 'admin', all, length('hypervisors')),
    list('/os-hypervisors/detail', 'admin', all, length('hypervisors')),
    list(
      '/os-hypervisors/detail?with_servers=true',
      'admin',
      ['2.53', newest],
      body => body.hypervisors.flatMap((h: Json) => h.servers ?? []).length,
    ),
    list('/os-hosts', 'admin', ['2.1'], length('hosts')),
    list('/os-services', 'admin', all, length('services')),
    list('/os-availability-zone', 'member', ['2.1'], length('availabilityZoneInfo')),
    list('/os-availability-zone/detail', 'admin', ['2.1'], length('availabilityZoneInfo')),
    list('/os-aggregates', 'admin', all, length('aggregates')),
    list('/flavors', 'member', all, length('flavors')),
    list('/flavors/detail', 'member', all, length('flavors')),
    list('/flavors/detail?is_public=None', 'admin', all, length('flavors')),
    list('/os-keypairs', 'member', all, length('keypairs')),
    list(`${ofSample}/os-instance-actions`, 'member', all, length('instanceActions')),
    list(`${ofSample}/os-volume_attachments`, 'member', all, length('volumeAttachments')),
    list(
      `/os-simple-tenant-usage?detailed=1&${period}`,
      'admin',
      all,
      body => body.tenant_usages[0].server_usages.length,
    ),
    list(
      `/os-simple-tenant-usage/${cloud.member.projectId}?${period}`,
      'member',
      all,
      body => body.tenant_usage.server_usages.length,
    ),
  ]
}

async function costs(lists: readonly List[]): Promise<ReadonlyMap<string, Cost & { rows: number }>> {
  const found = new Map<string, Cost & { rows: number }>()
  for (const list of lists)
    for (const version of list.versions)
      found.set(`${list.path} at ${version} by ${list.as}`, await costOf(list, version))
  return found
}

/** Costs that grew, in words. */
async function dearer(lists: readonly List[], grow: () => Promise<void>): Promise<string[]> {
  const before = await costs(lists)
  await grow()
  const found: string[] = []
  for (const [name, { rows, ...cost }] of await costs(lists)) {
    const { rows: fewer = 0, ...once } = before.get(name) ?? {}
    if (rows < 3 * fewer || rows < 8) found.push(`${name}: only ${fewer} and ${rows} rows to compare`)
    if (JSON.stringify(cost) !== JSON.stringify(once))
      found.push(`${name}: ${fewer} rows ${JSON.stringify(once)}, ${rows} rows ${JSON.stringify(cost)}`)
  }
  return found
}

test('ten times as many rows cost no statement, no policy question and no call more', async () => {
  await crowd.write(() => populate(crowd, sample, [0, few]))
  assert.deepEqual(await dearer(lists(), () => crowd.write(() => populate(crowd, sample, [few, many]))), [])
})

test('nor do those of the neighbours', async () => {
  const more = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      await cloud.neutron('POST', '/security-groups', { security_group: { name: `group-${n}` } })
      await cloud.neutron('POST', '/networks', { network: { name: `net-${n}` } })
      await cloud.newVolume()
    }
  }
  const list = (path: string, key: string): List => {
    return { path, as: 'member', versions: ['2.1'], rows: body => body[key].length }
  }
  await more(0, 1)
  const proxies = [
    list('/os-security-groups', 'security_groups'),
    list('/os-networks', 'networks'),
    list('/os-tenant-networks', 'networks'),
    list('/os-volumes', 'volumes'),
    list('/os-volumes/detail', 'volumes'),
  ]
  assert.deepEqual(await dearer(proxies, () => more(1, 8)), [])
})
