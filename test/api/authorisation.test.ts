import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { resources } from '#api'
import { type Described, describe } from '#api/kit'
import { type ApiCloud, type Person, startCloud } from './harness.ts'

/**
 * Who may call what, with the policy as shipped: each operation, at its newest microversion, asked by each kind of
 * caller. Everybody is in the member's project but the admin, the stranger and the service; what is asked about belongs to that
 * project. The golden table holds the statuses; GOLDEN=write writes it anew, to be read in review.
 */
const operatorsOwn = [
  'os-aggregates',
  'os-availability-zone',
  'os-hosts',
  'os-hypervisors',
  'os-quota-class-sets',
  'os-quota-sets',
  'os-services',
  'os-simple-tenant-usage',
  'limits',
]
const goldenFile = join(import.meta.dirname, 'authorisation.golden.json')

type Statuses = Readonly<Record<string, number>>
const golden: Readonly<Record<string, Statuses>> = JSON.parse(readFileSync(goldenFile, 'utf8'))

let cloud: ApiCloud
let callers: ReadonlyMap<string, Person>
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'] })
  const { projectId } = cloud.member
  const nobody: Person = { token: '', userId: '', projectId }
  callers = new Map([
    ['no token', nobody],
    ['reader', cloud.reader],
    ['member', cloud.member],
    ['manager', await cloud.add('manager', 'manager', projectId)],
    ['stranger', cloud.stranger],
    ['service', await cloud.add('a service', 'service')],
    // Last, because it changes things.
    ['admin', cloud.admin],
  ])
})
after(async () => {
  await cloud.close()
  if (process.env['GOLDEN'] === 'write') writeFileSync(goldenFile, tableText(found))
})

const nameOf = ({ method, path, action }: Described): string =>
  [method, path, ...(action === undefined ? [] : [action])].join(' ')
const operations = describe(resources).filter(({ path }) => operatorsOwn.includes(path.split('/')[1] ?? ''))
const found: Record<string, Statuses> = {}

/** One line per operation. */
const tableText = (table: Readonly<Record<string, Statuses>>): string =>
  `{\n${Object.entries(table)
    .map(([name, statuses]) => `  ${JSON.stringify(name)}: ${JSON.stringify(statuses)}`)
    .join(',\n')}\n}\n`

const bodies: Readonly<Record<string, unknown>> = {
  'POST /os-aggregates': { aggregate: { name: 'made by the matrix' } },
  'PUT /os-aggregates/{id}': { aggregate: { name: 'renamed by the matrix' } },
  'POST /os-aggregates/{id}/action add_host': { add_host: { host: 'one' } },
  'POST /os-aggregates/{id}/action remove_host': { remove_host: { host: 'one' } },
  'POST /os-aggregates/{id}/action set_metadata': { set_metadata: { metadata: { a: '1' } } },
  'PUT /os-hosts/{id}': { status: 'enable' },
  'PUT /os-quota-class-sets/{id}': { quota_class_set: {} },
  'PUT /os-quota-sets/{id}': { quota_set: {} },
  'PUT /os-services/{id}': { status: 'enabled' },
}

/** A thing for the path to name; made anew for each operation, so that none sees what another has done. */
async function idFor(path: string, name: string): Promise<string> {
  if (path.startsWith('/os-quota-sets') || path.startsWith('/os-simple-tenant-usage')) return cloud.member.projectId
  if (path.startsWith('/os-hosts')) return 'one'
  if (path.startsWith('/os-quota-class-sets')) return 'default'
  if (path.startsWith('/os-services')) {
    const host = name.startsWith('DELETE') ? 'two' : 'one'
    return (await cloud.store.services.find(host, 'nova-compute'))?.uuid ?? ''
  }
  if (path.startsWith('/os-hypervisors')) {
    const node = await cloud.store.computeNodes.find({ host: 'one' })
    return /search|servers/.test(path) ? 'one' : (node?.uuid ?? '')
  }
  const aggregate = await cloud.store.aggregates.create(name, null, Date.now())
  if (name.endsWith('remove_host')) await cloud.store.aggregates.addHost(aggregate?.id ?? 0, 'one')
  return String(aggregate?.id)
}

async function statusesOf(operation: Described): Promise<Statuses> {
  const name = nameOf(operation)
  const { method, path, versions } = operation
  const [, version = ''] = versions.at(-1) ?? []
  const place = path.includes('{id}') ? path.replace('{id}', await idFor(path, name)) : path
  const images = { cache: [{ id: cloud.imageId }] }
  const body = path.endsWith('/images') ? images : bodies[name]
  const statuses: Record<string, number> = {}
  for (const [who, as] of callers) {
    statuses[who] = (
      await cloud.request(method, place, { version, as, ...(body === undefined ? {} : { body }) })
    ).status
  }
  return statuses
}

// The service is deleted last: other operations need the host.
const inOrder = [...operations].sort(
  (a, b) => Number(nameOf(a).startsWith('DELETE /os-services')) - Number(nameOf(b).startsWith('DELETE /os-services')),
)

for (const operation of inOrder) {
  const name = nameOf(operation)
  test(`who may ${name}`, async () => {
    found[name] = await statusesOf(operation)
    if (process.env['GOLDEN'] !== 'write') assert.deepEqual(found[name], golden[name])
  })
}

test('the golden table has no other operations', () => {
  if (process.env['GOLDEN'] === 'write') return
  assert.deepEqual(Object.keys(golden).sort(), operations.map(nameOf).sort())
})
