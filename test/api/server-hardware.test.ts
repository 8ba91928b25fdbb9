import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'
import { anImage } from './images.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

let made = 0
async function flavor(extra_specs: Readonly<Record<string, string>>): Promise<string> {
  const id = `hardware-${++made}`
  const body = { flavor: { id, name: id, ram: 256, vcpus: 4, disk: 1 } }
  ;(await cloud.request('POST', '/flavors', { as: cloud.admin, version: newest, body })).expect(200)
  const path = `/flavors/${id}/os-extra_specs`
  ;(await cloud.request('POST', path, { as: cloud.admin, version: newest, body: { extra_specs } })).expect(200)
  return id
}

const create = (fields: object) => {
  const server = { name: 'new', imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: 'none', ...fields }
  return cloud.request('POST', '/servers', { version: newest, body: { server } })
}

const conflict =
  /hw:pmu extra spec explicitly set to True, conflicting with image quiet which has hw_pmu explicitly set to False/

test('flavor and image that contradict each other make no server', async () => {
  const imageRef = await anImage(cloud, 'quiet', { hw_pmu: 'no' })
  const flavorRef = await flavor({ 'hw:pmu': 'yes' })
  ;(await create({ imageRef, flavorRef })).refuses(400, conflict)
  ;(await create({ flavorRef })).expect(202)
})

test('an image whose properties mean nothing makes none either', async () => {
  const imageRef = await anImage(cloud, 'odd', { hw_disk_bus: 'omnibus' })
  ;(await create({ imageRef })).refuses(400, 'Invalid image metadata. Error: Field value omnibus is invalid')
})

test('no way into the contradiction by a resize or a rebuild', async () => {
  const imageRef = await anImage(cloud, 'quiet', { hw_pmu: 'no' })
  const id = await cloud.bootServer({ fields: { imageRef } })
  const act = (body: object) => cloud.request('POST', `/servers/${id}/action`, { version: newest, body })
  ;(await act({ resize: { flavorRef: await flavor({ 'hw:pmu': 'yes' }) } })).refuses(400, conflict)
  const loud = await cloud.bootServer({ fields: { flavorRef: await flavor({ 'hw:pmu': 'yes' }) } })
  const rebuild = { version: newest, body: { rebuild: { imageRef } } }
  ;(await cloud.request('POST', `/servers/${loud}/action`, rebuild)).refuses(400, conflict)
})
