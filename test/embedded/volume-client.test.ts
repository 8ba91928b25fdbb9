/** The unmodified `openstack` client (Debian 12: python3-openstackclient 6.0.0) against the built-in volume service. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { adminPassword, type Cloud, clientEnv, newFolder, openstack, removeFolder, startCloud } from './kit.ts'

const folder = newFolder()
let cloud: Cloud
before(async () => {
  cloud = await startCloud({ folder })
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

const asAdmin = (more: object = {}) => ({
  ...clientEnv(cloud, { user: 'admin', password: adminPassword, project: 'admin' }),
  ...more,
})

const column = (document: unknown, name: string): unknown[] => {
  assert.ok(Array.isArray(document), JSON.stringify(document))
  return document.map((row: unknown) => Reflect.get(Object(row), name))
}
const field = (document: unknown, name: string): unknown => Reflect.get(Object(document), name)

/** Nothing is on its way any more. */
const settled = () =>
  waitFor(
    'volumes and snapshots to settle',
    async () => {
      const { port } = cloud.volume
      const things = [...(await port.list('service')), ...(await port.listSnapshots('service'))]
      return things.every(thing => ['available', 'error', 'in-use'].includes(thing.status)) ? true : undefined
    },
    { deadlineMs: 60_000 },
  )

test('volumes and snapshots: the everyday commands', async () => {
  const file = join(folder, 'disk.img')
  writeFileSync(file, Buffer.alloc(100_000, 'd'))
  const first = await openstack(asAdmin(), [
    `image create --file ${file} --disk-format raw disk`,
    'volume create --size 1 --description sea --property a=b one -f json',
    'volume create --size 1 --image disk --bootable boot -f json',
  ])
  assert.equal(first.errors, '')
  assert.deepEqual(
    first.documents.slice(-2).map(d => field(d, 'type')),
    ['__DEFAULT__', '__DEFAULT__'],
  )
  await settled()
  const second = await openstack(asAdmin(), [
    'volume set --name uno --property c=d --size 2 --bootable --image-property os_type=linux one',
    'volume snapshot create --volume boot --property k=v snap -f json',
    'volume unset --property a uno',
    'volume list --long -f json',
  ])
  assert.equal(second.errors, '')
  await settled()
  const third = await openstack(asAdmin(), [
    'volume show uno -f json',
    'volume snapshot set --name shot --description x snap',
    'volume snapshot show shot -f json',
    'volume snapshot list --long --all-projects -f json',
    'volume create --snapshot shot copy -f json',
    'volume create --source uno clone -f json',
    'volume set --state error uno',
    'volume list --status error -f json',
    'volume set --state available uno',
    'volume show nothing',
    'volume delete boot',
  ])
  const [uno, shot, shots, copy, clone, broken] = third.documents
  const properties = Object(field(uno, 'properties'))
  assert.deepEqual([field(uno, 'size'), field(uno, 'bootable'), properties], [2, 'true', { c: 'd' }])
  assert.deepEqual([field(shot, 'description'), field(shot, 'properties')], ['x', { k: 'v' }])
  assert.deepEqual(column(shots, 'Name'), ['shot'])
  assert.deepEqual([field(copy, 'size'), field(clone, 'size')], [1, 2])
  assert.deepEqual(column(broken, 'Name'), ['uno'])
  assert.match(third.errors, /No volume with a name or ID of 'nothing' exists\./)
  assert.match(third.errors, /Failed to delete volume with name or ID 'boot': Invalid volume: .*have snapshots/)
  await settled()
  const last = await openstack(asAdmin(), [
    'volume delete copy clone',
    'volume snapshot delete shot',
    'volume delete --force uno',
    'volume delete --purge boot',
  ])
  assert.equal(last.errors, '')
  await waitFor(
    'nothing to be left',
    async () => ((await cloud.volume.port.list('service')).length === 0 ? true : undefined),
    {
      deadlineMs: 60_000,
    },
  )
})

test('types, qualities, transfers, services', async () => {
  const { documents: all, errors } = await openstack(asAdmin(), [
    'volume create --size 1 gift -f json',
    'volume type create --property cacheable=no --description d plain -f json',
    'volume type create --private --encryption-provider luks --encryption-cipher aes-xts-plain64 --encryption-key-size 256 --encryption-control-location front-end secret -f json',
    'volume type list --encryption-type -f json',
    'volume type set --project demo secret',
    'volume type show secret -f json',
    'volume type unset --project demo secret',
    'volume type set --property x=y --name simple plain',
    'volume type list --long -f json',
    'volume qos create --consumer both --property q=1 fast -f json',
    'volume qos associate fast simple',
    'volume qos list -f json',
    'volume qos set --property r=2 fast',
    'volume qos unset --property q fast',
    'volume qos show fast -f json',
    'volume qos disassociate --all fast',
    'volume qos delete fast',
    'volume type delete simple secret',
    'volume transfer request create --name t gift -f json',
    'volume transfer request list -f json',
    'volume transfer request delete t',
    'volume service list -f json',
    'volume backup list -f json',
    'availability zone list --volume -f json',
    'volume delete gift',
  ])
  assert.equal(errors, '')
  const documents = all.slice(1)
  const [plain, secret, encrypted, shown, types, , qualities, fast] = documents
  assert.deepEqual([field(plain, 'is_public'), field(secret, 'is_public')], [true, false])
  assert.equal(column(encrypted, 'Name').length, 3)
  assert.equal(column(field(shown, 'access_project_ids'), 'length').length, 1)
  assert.deepEqual(column(types, 'Name').sort(), ['__DEFAULT__', 'secret', 'simple'])
  assert.deepEqual(column(qualities, 'Associations'), [['simple']])
  assert.deepEqual(field(fast, 'properties'), { r: '2' })
  const [transfer, transfers, services, backups, zones] = documents.slice(8)
  assert.match(String(field(transfer, 'auth_key')), /^[0-9a-f]{16}$/)
  assert.deepEqual(column(transfers, 'Name'), ['t'])
  assert.deepEqual(column(services, 'State'), ['up', 'up'])
  assert.deepEqual([backups, column(zones, 'Zone Name')], [[], ['nova']])
})

test('attachments, messages and groups at the newest microversion', async () => {
  const { documents, errors } = await openstack(asAdmin({ OS_VOLUME_API_VERSION: '3.70' }), [
    'volume attachment list -f json',
    'volume message list -f json',
    'volume group list -f json',
    'volume group type list -f json',
    'block storage resource filter list -f json',
  ])
  assert.equal(errors, '')
  assert.deepEqual(documents.slice(0, 4), [[], [], [], []])
  assert.ok(column(documents[4], 'Resource').includes('volume'))
})
