import { openStore } from '#store'
import type { Arena } from './arena.ts'
import type { Client, Json } from './client.ts'
import type { HostsView } from './found-guest.ts'

/** Everything there is, in every service, at one moment when nobody works. */
export interface Findings extends HostsView {
  readonly servers: readonly Json[]
  readonly openSagas: readonly string[]
  /** Ids of servers whose secret of launch is still kept. */
  readonly secrets: readonly string[]
  readonly migrations: readonly Json[]
  /** By resource provider, then by consumer. */
  readonly allocations: readonly { host: string; consumer: string; resources: Json }[]
  readonly ports: readonly Json[]
  readonly volumes: readonly Json[]
  readonly attachments: readonly Json[]
  readonly snapshots: readonly Json[]
  readonly images: readonly Json[]
  readonly limits: Json
  readonly groups: readonly Json[]
  /** What the API says that each server has. */
  readonly volumesOf: ReadonlyMap<string, readonly string[]>
  readonly portsOf: ReadonlyMap<string, readonly string[]>
}

async function allocationsOf(client: Client) {
  const found: { host: string; consumer: string; resources: Json }[] = []
  const { body } = await client.get('placement', '/resource_providers')
  for (const { uuid, name } of body.resource_providers) {
    const { allocations } = (await client.get('placement', `/resource_providers/${uuid}/allocations`)).body
    for (const [consumer, { resources }] of Object.entries<Json>(allocations))
      found.push({ host: name, consumer, resources })
  }
  return found
}

async function secretsOf({ databases }: Arena, ids: readonly string[]) {
  const found = await Promise.all(databases.map(database => secretsIn(database, ids)))
  return { openSagas: found.flatMap(one => one.openSagas), secrets: found.flatMap(one => one.secrets) }
}

async function secretsIn(database: string, ids: readonly string[]) {
  const store = await openStore(database)
  try {
    const secrets: string[] = []
    for (const id of ids) if ((await store.launchSecrets.find(id)) !== undefined) secrets.push(id)
    return { openSagas: (await store.sagas.open()).map(s => `${s.name} ${s.id} of ${s.instanceId}`), secrets }
  } finally {
    await store.close()
  }
}

export async function find(arena: Arena, everServers: readonly string[]): Promise<Findings> {
  const { client } = arena
  const get = async (service: Parameters<Client['get']>[0], path: string) => (await client.get(service, path)).body
  const live = (await get('compute', '/servers/detail?all_tenants=1&limit=1000')).servers
  const away = (await get('compute', '/servers/detail?all_tenants=1&soft_deleted=1&limit=1000')).servers
  const servers = [...new Map([...live, ...away].map((s: Json) => [s.id, s])).values()] as Json[]
  const [volumesOf, portsOf] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const { id } of servers) {
    const { volumeAttachments = [] } = await get('compute', `/servers/${id}/os-volume_attachments`)
    volumesOf.set(
      id,
      volumeAttachments.map((a: Json) => a.volumeId),
    )
    const { interfaceAttachments = [] } = await get('compute', `/servers/${id}/os-interface`)
    portsOf.set(
      id,
      interfaceAttachments.map((a: Json) => a.port_id),
    )
  }
  const volumePath = `/v3/${client.projectId}`
  const attachments: Json[] = []
  for (const { id } of (await get('volume', `${volumePath}/attachments?all_tenants=1`)).attachments)
    attachments.push((await get('volume', `${volumePath}/attachments/${id}`)).attachment)
  return {
    servers,
    ...(await secretsOf(arena, everServers)),
    migrations: (await get('compute', '/os-migrations')).migrations,
    ...(await arena.look()),
    allocations: await allocationsOf(client),
    ports: (await get('network', '/v2.0/ports')).ports,
    volumes: (await get('volume', `${volumePath}/volumes/detail?all_tenants=1`)).volumes,
    attachments,
    snapshots: (await get('volume', `${volumePath}/snapshots/detail?all_tenants=1`)).snapshots,
    images: (await get('image', '/v2/images?limit=1000')).images,
    limits: (await get('compute', '/limits')).limits.absolute,
    groups: (await get('compute', '/os-server-groups')).server_groups,
    volumesOf,
    portsOf,
  }
}
