import type { Json } from '../../../api/harness.ts'
import type { Prepare } from '../preparations.ts'

const image: Prepare = (world, scene) => {
  scene.ids['images'] = world.imageId
}

/** One that may go. */
const spareImage: Prepare = async (world, scene) => {
  scene.ids['images'] = await world.spareImage()
}

const imageKey: Prepare = async (world, scene, sample) => {
  scene.ids['images'] = world.imageId
  const key = Object.keys((sample.document as { meta?: object } | null)?.meta ?? {})[0] ?? 'kernel_id'
  scene.ids['metadata'] = key
  const body = { metadata: { [key]: 'nokernel' } }
  ;(await world.ask('POST', `/images/${world.imageId}/metadata`, { version: '2.1', body })).expect(200)
}

const securityGroup: Prepare = async (world, scene) => {
  const security_group = { name: `group ${Math.random()}`, description: 'for a sample' }
  const made: Json = await world.cloud.neutron('POST', '/security-groups', { security_group }, world.cloud.admin)
  scene.ids['os-security-groups'] = made.security_group.id
}

const volume: Prepare = async (world, scene) => {
  scene.ids['os-volumes'] = await world.attached(await world.server())
}

const snapshot: Prepare = async (world, scene) => {
  const body = { snapshot: { volume_id: await world.volume(), display_name: 'snap', force: false } }
  const made = (await world.ask('POST', '/os-snapshots', { version: '2.1', body })).expect(200).body
  scene.ids['os-snapshots'] = made.snapshot.id
}

const network: Prepare = (world, scene) => {
  scene.ids['os-networks'] = world.networkId
  scene.ids['os-tenant-networks'] = world.networkId
}

/** An address of the external network that the furnished world has. */
const floating: Prepare = async (world, scene) => {
  const floatingip = { floating_network_id: await world.externalNetwork() }
  const made: Json = await world.cloud.neutron('POST', '/floatingips', { floatingip }, world.cloud.admin)
  scene.ids['os-floating-ips'] = made.floatingip.id
}

/** A floating address of the project's; for its removal it is the server's already. */
const floatingAction: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  const { address } = await world.floatingIp(sample.action === 'removeFloatingIp' ? id : undefined)
  scene.ids['servers'] = id
  scene.body = { [sample.action ?? '']: { address } }
}

const pools: Prepare = async world => {
  await world.externalNetwork()
}

export const neighbours: Readonly<Record<string, Prepare>> = {
  'GET /images/{id}': image,
  'DELETE /images/{id}': spareImage,
  'DELETE /images/{image_id}/metadata/{id}': imageKey,
  'GET /images/{image_id}/metadata': image,
  'POST /images/{image_id}/metadata': image,
  'PUT /images/{image_id}/metadata': image,
  'GET /images/{image_id}/metadata/{id}': imageKey,
  'PUT /images/{image_id}/metadata/{id}': imageKey,
  'GET /os-security-groups': securityGroup,
  'GET /os-security-groups/{id}': securityGroup,
  'PUT /os-security-groups/{id}': securityGroup,
  'POST /os-security-group-rules': securityGroup,
  'GET /os-volumes': volume,
  'GET /os-volumes/detail': volume,
  'GET /os-volumes/{id}': volume,
  'GET /os-snapshots': snapshot,
  'GET /os-snapshots/detail': snapshot,
  'GET /os-snapshots/{id}': snapshot,
  'GET /os-networks/{id}': network,
  'GET /os-tenant-networks/{id}': network,
  'GET /os-floating-ips': floating,
  'GET /os-floating-ips/{id}': floating,
  'POST /os-floating-ips': pools,
  'GET /os-floating-ip-pools': pools,
  'POST /servers/{id}/action addFloatingIp': floatingAction,
  'POST /servers/{id}/action removeFloatingIp': floatingAction,
}
