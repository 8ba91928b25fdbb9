import type { Links } from '#api/kit'
import { isoSeconds } from '#base'
import type { Caller } from '#cloud'
import { InstanceNotFound } from '#model'
import type { InstanceMapping } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from './find.ts'
import { flavorView } from './view.ts'

/** What is told of servers whose cell is away. */

export const awaySummaryView = ({ instanceId }: InstanceMapping, links: Links) => ({
  id: instanceId,
  status: 'UNKNOWN' as const,
  links: links.both('servers', instanceId),
})

export const awayDetailView = (mapping: InstanceMapping, links: Links) => ({
  ...awaySummaryView(mapping, links),
  tenant_id: mapping.projectId,
  created: isoSeconds(mapping.createdAtMs),
})

const imageView = (id: string | null, links: Links) =>
  id === null ? '' : { id, links: [{ rel: 'bookmark', href: links.bookmark('images', id) }] }

/** The server as its mapping has it, for who may know of it. */
export async function findAway(deps: ApiDeps, caller: Caller, id: string): Promise<InstanceMapping> {
  const mapping = await deps.store.instanceMappings.find(id)
  const isHis = mapping !== undefined && (isAdmin(caller) || mapping.projectId === caller.projectId)
  if (!isHis || mapping.isDeleted) throw InstanceNotFound({ id })
  return mapping
}

export async function awayView(deps: ApiDeps, mapping: InstanceMapping, links: Links) {
  const { instanceId, summary } = mapping
  const groups = await deps.store.serverGroups.ofServers([instanceId])
  const group = groups.get(instanceId)
  return {
    ...awayDetailView(mapping, links),
    user_id: mapping.userId,
    image: imageView(summary.imageId, links),
    flavor: flavorView(summary, links),
    'OS-EXT-AZ:availability_zone': summary.zone ?? 'UNKNOWN',
    'OS-EXT-STS:power_state': 0,
    server_groups: group === undefined ? [] : [group],
  }
}
