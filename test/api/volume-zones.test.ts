import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'

/** `[cinder] cross_az_attach = false`; the zone of every volume of the built-in service is `nova`. */

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['a', 'b'], settings: { mixesZones: false } })
  const admin = { as: cloud.admin }
  const aggregate = { name: 'east', availability_zone: 'east' }
  const { id } = (await cloud.request('POST', '/os-aggregates', { ...admin, body: { aggregate } })).expect(200).body
    .aggregate
  const body = { add_host: { host: 'b' } }
  ;(await cloud.request('POST', `/os-aggregates/${id}/action`, { ...admin, body })).expect(200)
})
after(() => cloud.close())

test('servers and their volumes stay in one zone', async () => {
  const volumeId = await cloud.newVolume({ imageRef: cloud.imageId })
  const root = { source_type: 'volume', uuid: volumeId, destination_type: 'volume', boot_index: 0 }
  const server = { name: 's', flavorRef: cloud.flavorId, networks: 'none', block_device_mapping_v2: [root] }
  const east = { ...server, availability_zone: 'east' }
  ;(await cloud.request('POST', '/servers', { version: newest, body: { server: east } })).refuses(
    400,
    'The availability zone between the server and its attached volumes do not match: Server and volumes are not in the same availability zone. Server is in: east. Volumes are in: nova.',
  )
  const id = await cloud.bootServer({ fields: { availability_zone: 'east' } })
  const free = await cloud.newVolume()
  const path = `/servers/${id}/os-volume_attachments`
  ;(await cloud.request('POST', path, { version: '2.100', body: { volumeAttachment: { volumeId: free } } })).refuses(
    400,
    `Invalid volume: Instance ${id} and volume ${free} are not in the same availability_zone. Instance is in east. Volume is in nova`,
  )
  await cloud.volumeIs(free, 'available')
  const { body } = (await cloud.request('POST', '/servers', { version: newest, body: { server } })).expect(202)
  await cloud.waitForStatus(body.server.id, 'ACTIVE')
})
