import { newUuid } from '#base'
import type { Json } from '../../api/harness.ts'
import type { Sample } from '../reference.ts'
import type { Scene } from './scene.ts'
import type { World } from './world.ts'

/**
 * The body of a request sample with this cloud's ids in the place of the sample's. Nothing else of it changes.
 */
type Substitute = (world: World, value: Json, scene: Scene) => Promise<Json> | Json

const host = (world: World, value: Json): Json => (value === null ? null : [...world.cloud.drivers.keys()][1])

const byKey: Readonly<Record<string, Substitute>> = {
  imageRef: (world, value) => (value === '' ? '' : world.imageId),
  rescue_image_ref: world => world.imageId,
  flavorRef: (_world, value) => String(value).split('/').at(-1) ?? '1',
  net_id: world => world.networkId,
  networkId: world => world.networkId,
  port_id: world => world.port(),
  volumeId: async (world, _value, scene) => scene.ids['new volume'] ?? (await world.volume()),
  volume_id: async (world, _value, scene) => scene.ids['new volume'] ?? (await world.volume()),
  serverId: (_world, _value, scene) => scene.ids['servers'],
  server_uuid: (_world, _value, scene) => scene.ids['servers'],
  parent_group_id: (_world, _value, scene) => scene.ids['os-security-groups'],
  group: (_world, _value, scene) => scene.ids['os-server-groups'],
  tenant: world => world.project,
  user_id: world => world.cloud.admin.userId,
  host,
  hypervisor_hostname: host,
  availability_zone: (_world, value) => (String(value).startsWith('%') ? 'us-west' : value),
  volume_type: (_world, _value, scene) => scene.ids['volume type'],
}

/** Keys that mean something else below these. */
const untouched = new Set(['metadata', 'metadata_items'])

async function walk(world: World, value: Json, scene: Scene, parent: string): Promise<Json> {
  if (Array.isArray(value)) return Promise.all(value.map(item => walk(world, item, scene, parent)))
  if (typeof value !== 'object' || value === null) return value
  const entries = await Promise.all(
    Object.entries<Json>(value).map(async ([key, inner]) => {
      if (untouched.has(key)) return [key, inner]
      if (key === 'uuid' && parent === 'networks') return [key, world.networkId]
      if (key === 'uuid' && parent === 'block_device_mapping_v2') return [key, world.imageId]
      if (key === 'id' && parent === 'cache') return [key, world.imageId]
      if (key === 'availability_zone' && parent === 'volume') return [key, 'nova']
      if (key === 'device' && scene.ids['device'] !== undefined) return [key, scene.ids['device']]
      if (key === 'id' && parent === 'volumeAttachment') return [key, scene.ids['os-volume_attachments'] ?? newUuid()]
      const substitute = byKey[key]
      if (substitute !== undefined) return [key, await substitute(world, inner, scene)]
      return [key, await walk(world, inner, scene, key)]
    }),
  )
  return Object.fromEntries(entries)
}

export const bodyOf = (world: World, sample: Sample, scene: Scene): Promise<Json> =>
  scene.body === undefined ? walk(world, sample.document, scene, '') : scene.body
