/** The unmodified `openstack` client (Debian 12: python3-openstackclient 6.0.0) against the built-in services. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  adminPassword,
  type Cloud,
  clientEnv,
  newFolder,
  newPerson,
  openstack,
  removeFolder,
  startCloud,
} from './kit.ts'

const folder = newFolder()
let cloud: Cloud
before(async () => {
  cloud = await startCloud({ folder })
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

const asAdmin = () => clientEnv(cloud, { user: 'admin', password: adminPassword, project: 'admin' })

/** Columns of the rows that a list command printed. */
const column = (document: unknown, name: string): unknown[] => {
  assert.ok(Array.isArray(document), JSON.stringify(document))
  return document.map((row: unknown) => Reflect.get(Object(row), name))
}
const field = (document: unknown, name: string): unknown => Reflect.get(Object(document), name)

test('identity: the everyday commands', async () => {
  const inside = '--domain island'
  const { documents, errors } = await openstack(asAdmin(), [
    'token issue -f json',
    'catalog list -f json',
    'domain create --description sea island -f json',
    `project create ${inside} --property depth=deep --tag wet reef -f json`,
    `user create ${inside} --password coral --email fish@reef --project reef --project-domain island fish -f json`,
    `user set ${inside} --description bright fish`,
    `user show ${inside} fish -f json`,
    `group create ${inside} shoal -f json`,
    'group add user --group-domain island --user-domain island shoal fish',
    'role create swimmer -f json',
    'role add --project reef --project-domain island --user fish --user-domain island member',
    'role add --domain island --group shoal --group-domain island --inherited swimmer',
    'role add --system all --user fish --user-domain island reader',
    'role assignment list --names --user fish --user-domain island -f json',
    'role assignment list --names --effective --user fish --user-domain island --project reef --project-domain island -f json',
    'role remove --system all --user fish --user-domain island reader',
    'role assignment list --user fish --user-domain island -f json',
    'implied role list -f json',
    'service create --name sonar --description echo sonar -f json',
    'endpoint create --region deep sonar public http://sonar/$(project_id)s -f json',
    'endpoint list --service sonar -f json',
    'region list -f json',
    'service set --disable sonar',
    'catalog show sonar',
    'service delete sonar',
    'project delete --domain island reef',
    'user delete --domain island fish',
    'domain set --disable island',
    'domain delete island',
    'role delete swimmer',
    'project show reef',
    'user list -f json',
    'role list -f json',
  ])
  const [token, catalog, domain, project, user, shown, group, role, own, effective, left, implied] = documents
  assert.match(String(field(token, 'project_id')), /^[0-9a-f]{32}$/)
  assert.deepEqual(column(catalog, 'Type'), ['identity', 'image', 'volumev3'])
  assert.equal(field(domain, 'description'), 'sea')
  assert.deepEqual([field(project, 'depth'), field(project, 'tags')], ['deep', ['wet']])
  assert.equal(field(user, 'default_project_id'), field(project, 'id'))
  assert.equal(field(shown, 'description'), 'bright')
  assert.equal(field(group, 'domain_id'), field(domain, 'id'))
  assert.equal(field(role, 'name'), 'swimmer')
  assert.deepEqual(column(own, 'Role').sort(), ['member', 'reader'])
  assert.deepEqual(column(effective, 'Role').sort(), ['member', 'reader', 'swimmer'])
  assert.equal(column(left, 'Role').length, 1)
  assert.deepEqual(column(implied, 'Prior Role Name'), ['admin', 'manager', 'member'])
  const [, endpoint, endpoints, regions, users, roles] = documents.slice(12)
  assert.equal(field(endpoint, 'region'), 'deep')
  assert.deepEqual(column(endpoints, 'URL'), ['http://sonar/$(project_id)s'])
  assert.deepEqual(column(regions, 'Region'), ['RegionOne', 'deep'])
  assert.deepEqual(column(users, 'Name'), ['admin', 'nova'])
  assert.equal(column(roles, 'Name').includes('swimmer'), false)
  assert.equal(documents.length, 18)
  assert.deepEqual(
    errors.split('\n').filter(line => line !== ''),
    ['service sonar not found', "No project with a name or ID of 'reef' exists."],
  )
})

test('application credentials: made, listed, used', async () => {
  const person = await newPerson(cloud, 'maker')
  const { documents } = await openstack(
    clientEnv(cloud, { user: 'maker', password: person.password, project: 'maker' }),
    [
      'application credential create --role reader --expiration 2099-01-01T00:00:00 reading -f json',
      'application credential create --secret given doomed -f json',
      'application credential delete doomed',
      'application credential list -f json',
    ],
  )
  const [made, , list] = documents
  assert.equal(field(made, 'expires_at'), '2099-01-01T00:00:00.000000')
  assert.deepEqual(column(list, 'Name'), ['reading'])
  const used = await openstack(
    {
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_AUTH_URL: `${cloud.identityUrl}/v3`,
      OS_APPLICATION_CREDENTIAL_ID: String(field(made, 'id')),
      OS_APPLICATION_CREDENTIAL_SECRET: String(field(made, 'secret')),
    },
    ['token issue -f json', 'image list -f json', 'user list -f json'],
  )
  assert.equal(field(used.documents[0], 'project_id'), person.projectId)
  assert.deepEqual(used.documents[1], [])
  assert.match(
    used.errors,
    /You are not authorized to perform the requested action: identity:list_users\. \(HTTP 403\)/,
  )
})

test('images: the everyday commands', async () => {
  const bits = randomBytes(1_500_000)
  const [file, copy] = [join(folder, 'up.img'), join(folder, 'down.img')]
  writeFileSync(file, bits)
  const person = await newPerson(cloud, 'sharer')
  const { documents, errors } = await openstack(asAdmin(), [
    `image create --file ${file} --disk-format raw --property hw_disk_bus=virtio --tag t1 --min-disk 1 first -f json`,
    'image list --tag t1 -f json',
    `image save --file ${copy} first`,
    'image set --public --property a=b --property c=d --name second first',
    'image unset --property a --tag t1 second',
    'image show second -f json',
    'image set --protected second',
    'image delete second',
    'image set --unprotected --shared second',
    `image add project second ${person.projectId} -f json`,
    'image member list second -f json',
    `image remove project second ${person.projectId}`,
    'image set --community second',
    'image list --community -f json',
    'image set --deactivate second',
    'image list --status deactivated -f json',
    'image set --activate --private second',
    'image show nothere',
    'image delete nothere',
    'image delete second',
    'image list -f json',
  ])
  const [created, tagged, shown, member, members, community, deactivated, empty] = documents
  assert.equal(field(created, 'min_disk'), 1)
  assert.deepEqual(column(tagged, 'Name'), ['first'])
  assert.ok(bits.equals(readFileSync(copy)))
  const properties = Object(field(shown, 'properties'))
  assert.deepEqual([properties.a, properties.c, properties.hw_disk_bus], [undefined, 'd', 'virtio'])
  assert.deepEqual([field(shown, 'visibility'), field(shown, 'status'), field(shown, 'tags')], ['public', 'active', []])
  assert.equal(field(member, 'status'), 'pending')
  assert.deepEqual(column(members, 'Member ID'), [person.projectId])
  assert.deepEqual(column(community, 'Name'), ['second'])
  assert.deepEqual(column(deactivated, 'Name'), ['second'])
  assert.deepEqual(empty, [])
  assert.match(errors, /403: Client Error for url: .*Image [0-9a-f-]+ is protected and cannot be deleted\./)
  assert.match(errors, /^No Image found for nothere$/m)
  assert.match(errors, /^Failed to delete image with name or ID 'nothere'/m)
})
