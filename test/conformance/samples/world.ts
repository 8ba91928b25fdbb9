import { Closers, waitFor } from '#base'
import type { Answer } from '../../api/answer.ts'
import {
  type ApiCloud,
  type Ask,
  type CloudOptions,
  type Json,
  newest,
  type Person,
  startCloud,
} from '../../api/harness.ts'

/** Host names that the samples use; the servers live on the first. */
export const hosts = ['compute', 'host1', 'host2'] as const

/** A cloud furnished with what the samples speak of. The administrator asks and owns everything. */
export class World {
  readonly cloud: ApiCloud
  readonly #closers: Closers
  networkId = ''
  keyName = 'new-key'
  imageId = ''
  /** A reader of the administrator's project. */
  plainUser: Person
  #ports = 0
  #external: Promise<string> | undefined
  #router: Promise<void> | undefined

  constructor(cloud: ApiCloud, plainUser: Person, closers: Closers) {
    this.cloud = cloud
    this.plainUser = plainUser
    this.#closers = closers
  }

  get project(): string {
    return this.cloud.admin.projectId
  }

  ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return this.cloud.request(method, path, { as: this.cloud.admin, version: newest, ...ask })
  }

  /** A running server of the administrator's, with an address, groups, tags, a key, and metadata as the samples have them. */
  async server(fields: Readonly<Record<string, unknown>> = {}, hints?: Json): Promise<string> {
    return this.cloud.bootServer({
      as: this.cloud.admin,
      name: 'new-server-test',
      fields: {
        imageRef: this.imageId,
        flavorRef: '1',
        networks: [{ uuid: this.networkId }],
        metadata: { 'My Server Name': 'Apache1' },
        security_groups: [{ name: 'default' }],
        key_name: this.keyName,
        description: 'new-server-description',
        accessIPv4: '1.2.3.4',
        accessIPv6: '80fe::',
        user_data: 'IyEvYmluL2Jhc2gKL2Jpbi9zdQplY2hvICJJIGFtIGluIHlvdSEiCg==',
        ...fields,
      },
      ...(hints === undefined ? {} : { hints }),
    })
  }

  /** An external network with addresses to give away; made when first asked for. */
  async externalNetwork(): Promise<string> {
    this.#external ??= this.#makeExternal()
    return this.#external
  }

  async #makeExternal(): Promise<string> {
    const { admin, neutron } = this.cloud
    const network = { name: 'public', 'router:external': true }
    const { id } = (await neutron('POST', '/networks', { network }, admin)).network
    const subnet = { network_id: id, cidr: '172.24.4.0/24', ip_version: 4, enable_dhcp: false }
    await neutron('POST', '/subnets', { subnet }, admin)
    return id
  }

  /** A floating address, given to a server if one is named; the router that it needs is made when first asked for. */
  async floatingIp(server?: string): Promise<{ readonly address: string }> {
    const { admin, neutron } = this.cloud
    const floating_network_id = await this.externalNetwork()
    this.#router ??= this.#makeRouter(floating_network_id)
    await this.#router
    const ports =
      server === undefined ? [] : (await neutron('GET', `/ports?device_id=${server}`, undefined, admin)).ports
    const port = ports.length === 0 ? {} : { port_id: ports[0].id }
    const made: Json = await neutron('POST', '/floatingips', { floatingip: { floating_network_id, ...port } }, admin)
    return { address: made.floatingip.floating_ip_address }
  }

  async #makeRouter(network_id: string): Promise<void> {
    const { admin, neutron } = this.cloud
    const router = { name: 'a router', external_gateway_info: { network_id } }
    const { id } = (await neutron('POST', '/routers', { router }, admin)).router
    const { subnets } = await neutron('GET', `/subnets?network_id=${this.networkId}`, undefined, admin)
    await neutron('PUT', `/routers/${id}/add_router_interface`, { subnet_id: subnets[0].id }, admin)
  }

  async serverGroup(): Promise<string> {
    const body = { server_group: { name: 'for a hint', policy: 'affinity' } }
    return (await this.ask('POST', '/os-server-groups', { body })).expect(200).body.server_group.id
  }

  /** The name of a volume type. */
  async volumeType(): Promise<string> {
    const caller = await this.caller()
    const [type] = await this.cloud.deps.volumes.listTypes(caller)
    if (type === undefined) throw new Error('there is no volume type')
    return type.name
  }

  /** A server that has what the sample's server has: tags, a group, volumes. */
  async serverLike(sample: Json): Promise<string> {
    const has = (key: string): boolean => Array.isArray(sample?.[key]) && sample[key].length > 0
    const hints = has('server_groups') ? { group: await this.serverGroup() } : undefined
    const id = await this.server(has('tags') ? { tags: ['tag1', 'tag2'] } : {}, hints)
    if (has('os-extended-volumes:volumes_attached')) await this.attached(id)
    return id
  }

  /** An image of the administrator's without content. */
  async spareImage(): Promise<string> {
    const { images } = this.cloud.deps
    const image = {
      name: 'spare',
      visibility: 'private',
      diskFormat: 'raw',
      containerFormat: 'bare',
      minDiskGiB: 0,
      minRamMiB: 0,
      properties: {},
    } as const
    return (await images.create(await this.caller(), image)).id
  }

  /** A host without servers. */
  async emptyHost(): Promise<string> {
    const names = [...this.cloud.drivers.keys()]
    const used = await this.cloud.store.instances.idsByHost(names)
    return names.find(name => !used.has(name)) ?? 'host2'
  }

  /** Servers, images and volumes of one sample are gone before the next begins. */
  async tidy(): Promise<void> {
    // With those that have been put away.
    const { servers } = (await this.ask('GET', '/servers?all_tenants=1&soft_deleted=True')).expect(200).body
    for (const { id } of servers) await this.ask('POST', `/servers/${id}/action`, { body: { forceDelete: null } })
    for (const { id } of servers) await this.cloud.waitUntilGone(id)
    await this.#removeSnapshots()
    await this.#removeGroups()
    for (const { id } of await this.cloud.deps.volumes.list('service')) await this.#removeVolume(id)
  }

  async #removeGroups(): Promise<void> {
    const { neutron, admin } = this.cloud
    const { security_groups } = await neutron('GET', `/security-groups?project_id=${this.project}`, undefined, admin)
    for (const { id, name } of security_groups) {
      if (name !== 'default') await neutron('DELETE', `/security-groups/${id}`, undefined, admin)
    }
  }

  async #removeSnapshots(): Promise<void> {
    const { images } = (await this.ask('GET', '/images', { version: '2.1' })).expect(200).body
    for (const { id } of images) {
      if (id !== this.imageId) await this.ask('DELETE', `/images/${id}`, { version: '2.1' })
    }
  }

  caller(): ReturnType<ApiCloud['deps']['identity']['validate']> {
    return this.cloud.deps.identity.validate(this.cloud.admin.token)
  }

  async #removeVolume(id: string): Promise<void> {
    const { volumes } = this.cloud.deps
    const isGone = async () => {
      const found = await volumes.get('service', id).catch(() => undefined)
      if (found === undefined) return true
      for (const snapshot of await volumes.listSnapshots('service')) {
        if (snapshot.volumeId === id) await volumes.deleteSnapshot('service', snapshot.id).catch(() => undefined)
      }
      if (found.status === 'available' || found.status === 'error')
        await volumes.delete('service', id).catch(() => undefined)
      return undefined
    }
    await waitFor('the volume to be gone', isGone, { deadlineMs: 60_000, everyMs: 5 })
  }

  async act(id: string, body: unknown, until?: string): Promise<void> {
    const answer = await this.ask('POST', `/servers/${id}/action`, { body })
    if (answer.status >= 300) throw new Error(`preparing ${JSON.stringify(body)}: ${answer.status} ${answer.text}`)
    if (until !== undefined) await this.cloud.waitForStatus(id, until)
  }

  async port(): Promise<string> {
    const port = { network_id: this.networkId, name: `port ${++this.#ports}` }
    return (await this.cloud.neutron('POST', '/ports', { port }, this.cloud.admin)).port.id
  }

  async volume(): Promise<string> {
    const { volumes } = this.cloud.deps
    const caller = await this.caller()
    const volume = await volumes.create(caller, { sizeGiB: 1, name: 'a volume', description: 'for a sample' })
    const isThere = async () => ((await volumes.get(caller, volume.id)).status === 'available' ? true : undefined)
    await waitFor('the volume to be available', isThere, { deadlineMs: 60_000, everyMs: 5 })
    return volume.id
  }

  async attached(server: string, fields: Json = {}): Promise<string> {
    const volumeId = await this.volume()
    const body = { volumeAttachment: { volumeId, ...fields } }
    ;(await this.ask('POST', `/servers/${server}/os-volume_attachments`, { body })).expect(202)
    const isThere = async () => {
      const answer = await this.ask('GET', `/servers/${server}/os-volume_attachments/${volumeId}`)
      return answer.status === 200 && answer.body.volumeAttachment.device !== null ? true : undefined
    }
    await waitFor('the volume to be attached', isThere, { deadlineMs: 60_000, everyMs: 5 })
    await this.cloud.waitForStatus(server, 'ACTIVE')
    return volumeId
  }

  close(): Promise<void> {
    return this.#closers.close()
  }
}

const flavors = [
  { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1 },
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40 },
  { id: '6', name: 'm1.tiny.specs', ram: 512, vcpus: 1, disk: 1 },
] as const

async function furnish(world: World): Promise<void> {
  const { cloud } = world
  const { admin } = cloud
  for (const flavor of flavors) (await world.ask('POST', '/flavors', { body: { flavor } })).expect(200)
  const specs = { 'hw:numa_nodes': '1' }
  ;(await world.ask('POST', '/flavors/6/os-extra_specs', { body: { extra_specs: specs } })).expect(200)
  world.networkId = await cloud.newNetwork('private', '192.168.0.0/16', admin)
  world.imageId = cloud.imageId
  const keypair = { name: world.keyName }
  ;(await world.ask('POST', '/os-keypairs', { version: '2.1', body: { keypair } })).expect(200)
  for (const [name, host] of [
    ['west', 'host1'],
    ['london', 'host2'],
  ] as const) {
    const aggregate = { name, availability_zone: name === 'west' ? 'us-west' : 'dublin' }
    const { id } = (await world.ask('POST', '/os-aggregates', { body: { aggregate } })).expect(200).body.aggregate
    ;(await world.ask('POST', `/os-aggregates/${id}/action`, { body: { add_host: { host } } })).expect(200)
  }
}

export async function openWorld(options: CloudOptions = {}): Promise<World> {
  const closers = new Closers()
  const unlimited = { instances: -1, cores: -1, ram: -1, key_pairs: -1, server_groups: -1, server_group_members: -1 }
  const cloud = await startCloud({
    hosts: [...hosts],
    quotas: unlimited,
    // Deleted servers can be restored, shelved ones stay on their host for a while.
    settings: { reclaimMs: 3_600_000 },
    config: { DEFAULT: { shelved_offload_time: 3600, reclaim_instance_interval: 3600 } },
    ...options,
  })
  closers.add(() => cloud.close())
  const world = new World(cloud, await cloud.add('plain', 'member', cloud.admin.projectId), closers)
  try {
    await furnish(world)
  } catch (error) {
    await closers.close()
    throw error
  }
  return world
}
