import { newUuid, waitFor } from '#base'
import type { Json } from '../../api/harness.ts'
import type { Scene } from './scene.ts'
import type { World } from './world.ts'

/** A thing of each kind that a path can name, by the segment before its name. */
type Make = (world: World, scene: Scene) => Promise<string> | string

let made = 1000

const serverOf = (scene: Scene): string => scene.ids['servers'] ?? ''

export const things: Readonly<Record<string, Make>> = {
  servers: world => world.server(),
  flavors: async world => {
    const id = String(++made)
    const body = { flavor: { name: `flavor ${id}`, ram: 512, vcpus: 1, disk: 1, id } }
    ;(await world.ask('POST', '/flavors', { body })).expect(200)
    const extra_specs = { key1: 'value1' }
    ;(await world.ask('POST', `/flavors/${id}/os-extra_specs`, { body: { extra_specs } })).expect(200)
    return id
  },
  'os-extra_specs': () => 'key1',
  images: world => world.imageId,
  metadata: () => 'My Server Name',
  tags: () => 'tag1',
  ips: () => 'private',
  'os-aggregates': async world => {
    const body = { aggregate: { name: `thing ${++made}` } }
    return String((await world.ask('POST', '/os-aggregates', { body })).expect(200).body.aggregate.id)
  },
  'os-keypairs': async world => {
    const name = `key pair ${++made}`
    ;(await world.ask('POST', '/os-keypairs', { version: '2.1', body: { keypair: { name } } })).expect(200)
    return name
  },
  'os-server-groups': world => world.serverGroup(),
  'os-quota-sets': world => world.project,
  'os-quota-class-sets': () => 'some-class',
  'os-simple-tenant-usage': world => world.project,
  'os-instance_usage_audit_log': () => '2012-07-05 10:00:00',
  'os-hosts': () => 'host2',
  'os-hypervisors': async world => (await world.cloud.store.computeNodes.find({ host: 'host2' }))?.uuid ?? '',
  'os-services': async world => (await world.cloud.store.services.find('host2', 'nova-compute'))?.uuid ?? '',
  'os-security-groups': async world => {
    const security_group = { name: `group ${++made}`, description: '' }
    const answer: Json = await world.cloud.neutron('POST', '/security-groups', { security_group }, world.cloud.admin)
    return answer.security_group.id
  },
  'os-security-group-rules': async (world, scene) => {
    const security_group_id = await things['os-security-groups']?.(world, scene)
    const security_group_rule = { security_group_id, direction: 'ingress', protocol: 'tcp', ethertype: 'IPv4' }
    const answer: Json = await world.cloud.neutron(
      'POST',
      '/security-group-rules',
      { security_group_rule },
      world.cloud.admin,
    )
    return answer.security_group_rule.id
  },
  'os-floating-ips': async world => {
    const floatingip = { floating_network_id: await world.externalNetwork() }
    const answer: Json = await world.cloud.neutron('POST', '/floatingips', { floatingip }, world.cloud.admin)
    return answer.floatingip.id
  },
  'os-networks': world => world.networkId,
  'os-tenant-networks': world => world.networkId,
  'os-volumes': world => world.volume(),
  'os-snapshots': async world => {
    const { volumes } = world.cloud.deps
    const volumeId = await world.volume()
    const wish = { volumeId, name: 'a snapshot', description: '', isForced: false }
    const { id } = await volumes.createSnapshot(await world.caller(), wish)
    const isThere = async () => ((await volumes.getSnapshot('service', id)).status === 'available' ? true : undefined)
    await waitFor('the snapshot to be available', isThere, { deadlineMs: 60_000, everyMs: 5 })
    return id
  },
  'os-volume_attachments': (world, scene) => world.attached(serverOf(scene)),
  'os-volumes_boot': world => world.server(),
  'os-instance-actions': async (world, scene) => {
    const list = (await world.ask('GET', `/servers/${serverOf(scene)}/os-instance-actions`)).expect(200).body
    return list.instanceActions[0].request_id
  },
  'os-interface': async (world, scene) => {
    const list = (await world.ask('GET', `/servers/${serverOf(scene)}/os-interface`)).expect(200).body
    return list.interfaceAttachments[0].port_id
  },
  migrations: () => '1',
  shares: () => newUuid(),
  extensions: () => 'os-keypairs',
  versions: () => 'v2.1',
  'os-baremetal-nodes': () => newUuid(),
  'os-assisted-volume-snapshots': () => newUuid(),
  'os-console-auth-tokens': () => newUuid(),
}
