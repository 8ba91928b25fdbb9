import { waitFor } from '#base'
import type { Arena } from './arena.ts'
import type { Json } from './client.ts'

/** What the load finds when it starts, and what it must leave behind as it was. */
export interface World {
  readonly images: readonly string[]
  /** A small one, and one with more of everything. */
  readonly flavors: readonly string[]
  readonly networkId: string
  readonly groups: readonly string[]
  /** Volumes that come and go between servers. */
  readonly volumes: readonly string[]
}

async function makeImage({ client }: Arena, name: string): Promise<string> {
  const record = { name, disk_format: 'raw', container_format: 'bare', visibility: 'public' }
  const { id } = await client.must('image', 'POST', '/v2/images', record)
  await client.upload(id, Buffer.from(`the bits of ${name} `.repeat(50)))
  return id
}

async function makeNetwork({ client }: Arena): Promise<string> {
  const { network } = await client.must('network', 'POST', '/v2.0/networks', { network: { name: 'chaos' } })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.99.0.0/20', name: 'chaos' }
  await client.must('network', 'POST', '/v2.0/subnets', { subnet })
  return network.id
}

async function makeVolumes({ client }: Arena, count: number): Promise<readonly string[]> {
  const path = `/v3/${client.projectId}/volumes`
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const { volume } = await client.must('volume', 'POST', path, { volume: { size: 1, name: `volume-${i}` } })
    ids.push(volume.id)
  }
  for (const id of ids) {
    await waitFor(
      'a volume',
      async () => (await client.must('volume', 'GET', `${path}/${id}`)).volume.status === 'available' || undefined,
      { deadlineMs: 60_000, everyMs: 50 },
    )
  }
  return ids
}

export async function furnish(arena: Arena): Promise<World> {
  const { client, hostCount } = arena
  const quota_set = { volumes: -1, gigabytes: -1, snapshots: -1 }
  await client.must('volume', 'PUT', `/v3/${client.projectId}/os-quota-sets/${client.projectId}`, { quota_set })
  const quota = { port: -1 }
  await client.must('network', 'PUT', `/v2.0/quotas/${client.projectId}`, { quota })
  const flavors: string[] = []
  for (const [name, vcpus, ram] of [
    ['small', 1, 128],
    ['large', 2, 256],
  ] as const) {
    const flavor = { name: `chaos.${name}`, vcpus, ram, disk: 1 }
    flavors.push((await client.must('compute', 'POST', '/flavors', { flavor })).flavor.id)
  }
  const groups: string[] = []
  // On one host there is nowhere else to go.
  const policies = ['soft-anti-affinity', 'soft-affinity', ...(hostCount === 1 ? [] : ['anti-affinity'])]
  for (const policy of policies) {
    const server_group = { name: policy, policy }
    groups.push((await client.must('compute', 'POST', '/os-server-groups', { server_group })).server_group.id)
  }
  const images = [await makeImage(arena, 'one'), await makeImage(arena, 'two')]
  const [networkId, volumes] = [await makeNetwork(arena), await makeVolumes(arena, 8)]
  await waitFor(
    'all hosts',
    async () => {
      const { services } = await client.must('compute', 'GET', '/os-services?binary=nova-compute')
      return services.filter((s: Json) => s.state === 'up').length === hostCount || undefined
    },
    { deadlineMs: 30_000, everyMs: 100 },
  )
  return { images, flavors, networkId, groups, volumes }
}
