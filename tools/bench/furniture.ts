import type { Client } from './client.ts'

/** What a server of the bench is made of. */
export interface Furniture {
  readonly flavorId: string
  readonly imageId: string
  readonly networkId: string
}

interface Named {
  readonly id: string
  readonly name: string
}

const name = 'bench'

/** Room for thousands of servers; no plumbing makes this network real, so it collides with nothing. */
const cidr = '10.77.0.0/16'

/** For simulated hosts: a small flavor, an image of nothing, a large network, and no limit on ports. */
export async function furnishFake(client: Client): Promise<Furniture> {
  const { flavor } = await client.call<{ flavor: Named }>('compute', 'POST', '/flavors', {
    flavor: { name, ram: 64, disk: 1, vcpus: 1 },
  })
  const image = await client.call<Named>('image', 'POST', '/images', {
    name,
    disk_format: 'raw',
    container_format: 'bare',
    visibility: 'public',
  })
  await client.text('image', 'PUT', `/images/${image.id}/file`, Buffer.alloc(1_048_576))
  await client.text('network', 'PUT', `/quotas/${client.projectId}`, { quota: { port: -1 } })
  const { network } = await client.call<{ network: Named }>('network', 'POST', '/networks', { network: { name } })
  await client.text('network', 'POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr } })
  return { flavorId: flavor.id, imageId: image.id, networkId: network.id }
}

/** For real guests: the image and the network that a new cloud has, and a flavor as small as the image allows. */
export async function furnishReal(client: Client): Promise<Furniture & { memoryMiB: number }> {
  const { images } = await client.call<{ images: { id: string; min_ram: number }[] }>(
    'image',
    'GET',
    '/images?name=debian-stock',
  )
  const { networks } = await client.call<{ networks: Named[] }>('network', 'GET', '/networks?name=private')
  const [image, network] = [images[0], networks[0]]
  if (image === undefined || network === undefined) throw new Error('the new cloud has no image or no network')
  const memoryMiB = 128
  const { flavor } = await client.call<{ flavor: Named }>('compute', 'POST', '/flavors', {
    flavor: { name, ram: memoryMiB, disk: 1, vcpus: 1 },
  })
  return { flavorId: flavor.id, imageId: image.id, networkId: network.id, memoryMiB }
}
