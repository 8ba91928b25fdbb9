/** What suites expect to find in a cloud: images, flavors, people with a project and a network. */
import { readFile } from 'node:fs/promises'
import type { GuestImage } from '#guest'
import type { Client } from '../bench/client.ts'

interface Named {
  readonly id: string
  readonly name: string
}

/** A public image whose content no simulated guest looks at. */
export async function newImage(client: Client, name: string): Promise<string> {
  const wish = { name, disk_format: 'raw', container_format: 'bare', visibility: 'public', min_disk: 0 }
  const image = await client.call<Named>('image', 'POST', '/images', wish)
  await client.text('image', 'PUT', `/images/${image.id}/file`, Buffer.alloc(1_048_576))
  return image.id
}

/** The small guest that a new cloud calls cirros. */
export async function smallGuest(): Promise<GuestImage> {
  const { buildTinyImage, guestCache } = await import('#guest')
  return buildTinyImage({ cacheDir: guestCache() })
}

/** A public image that boots. */
export async function newGuestImage(client: Client, built: GuestImage, name: string): Promise<string> {
  const image = await client.call<Named>('image', 'POST', '/images', {
    name,
    disk_format: built.diskFormat,
    container_format: 'bare',
    visibility: 'public',
    min_disk: built.minDiskGiB,
    min_ram: built.minRamMiB,
    ...built.properties,
  })
  await client.text('image', 'PUT', `/images/${image.id}/file`, await readFile(built.path))
  return image.id
}

export async function newFlavor(client: Client, flavor: { name: string; ram: number; disk: number }): Promise<string> {
  const made = await client.call<{ flavor: Named }>('compute', 'POST', '/flavors', { flavor: { ...flavor, vcpus: 1 } })
  return made.flavor.id
}

/** The network of the project, with a subnet and a way to the public network. */
export async function newNetwork(client: Client, name: string, cidr: string, projectId: string): Promise<void> {
  const { network } = await client.call<{ network: Named }>('network', 'POST', '/networks', {
    network: { name, project_id: projectId },
  })
  const { subnet } = await client.call<{ subnet: Named }>('network', 'POST', '/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr, project_id: projectId },
  })
  await connect(client, subnet.id, projectId)
}

/** Routes between the subnet and the public network. */
async function connect(client: Client, subnetId: string, projectId: string): Promise<void> {
  const network_id = await publicNetwork(client)
  const { router } = await client.call<{ router: Named }>('network', 'POST', '/routers', {
    router: { name: 'router1', project_id: projectId, external_gateway_info: { network_id } },
  })
  await client.text('network', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId })
}

/** The external network of every new cloud, where floating addresses come from. */
export async function publicNetwork(client: Client): Promise<string> {
  const { networks } = await client.call<{ networks: Named[] }>('network', 'GET', '/networks?name=public')
  if (networks[0] === undefined) throw new Error('the new cloud has no network named public')
  return networks[0].id
}

export interface Person {
  readonly user: string
  readonly password: string
  readonly project: string
  readonly projectId: string
}

async function projectOf(client: Client, name: string): Promise<Named> {
  const known = await client.call<{ projects: Named[] }>('identity', 'GET', `/projects?name=${name}`)
  if (known.projects[0] !== undefined) return known.projects[0]
  const project = { name, domain_id: 'default' }
  return (await client.call<{ project: Named }>('identity', 'POST', '/projects', { project })).project
}

/** A user with the role in a project of the same name, which may be there. */
export async function newPerson(client: Client, name: string, role: string): Promise<Person> {
  const password = `${name} of the tests`
  const project = await projectOf(client, name)
  const { user } = await client.call<{ user: Named }>('identity', 'POST', '/users', {
    user: { name, password, domain_id: 'default' },
  })
  const { roles } = await client.call<{ roles: Named[] }>('identity', 'GET', `/roles?name=${role}`)
  await client.text('identity', 'PUT', `/projects/${project.id}/users/${user.id}/roles/${roles[0]?.id}`)
  return { user: name, password, project: name, projectId: project.id }
}
