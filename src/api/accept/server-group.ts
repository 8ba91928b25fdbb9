import { declareFault, instanceId } from '#base'
import { groupInSpec, type RequestSpec, ServerGroupNotFound } from '#model'
import { type Store, turnOf } from '#store'
import type { ApiDeps } from '../deps.ts'

export const GroupMemberLimitExceeded = declareFault(
  'GroupMemberLimitExceeded',
  'refused',
  () => 'Quota exceeded, too many servers in group',
  403,
)

interface Place {
  readonly id: string
  readonly userId: string
  readonly host: string | null
}

/** Members in other cells: that they live is what counts here, the conductor finds out on which hosts. */
async function elsewhere(tx: Store, members: readonly string[], here: readonly Place[]): Promise<readonly Place[]> {
  const known = new Set(here.map(({ id }) => id))
  const mappings = await tx.instanceMappings.ofMany(members.filter(id => !known.has(id)))
  return mappings
    .filter(({ isDeleted }) => !isDeleted)
    .map(({ instanceId: id, userId }) => ({ id, userId, host: null }))
}

/**
 * Makes new servers members of a group, if the user may have so many in it, and tells what the scheduler must know of the
 * group. In the transaction that writes the servers: the count is exact, and no server is without its membership.
 * `inCells`: members may live in other cells.
 */
export async function joinGroup(
  tx: Store,
  deps: ApiDeps,
  owner: { projectId: string; userId: string },
  groupId: string,
  instanceIds: readonly string[],
  inCells: boolean,
): Promise<NonNullable<RequestSpec['serverGroup']>> {
  await tx.turn(turnOf.group(groupId))
  const group = await tx.serverGroups.find(groupId)
  if (group === undefined) throw ServerGroupNotFound({ id: groupId })
  const here = await tx.instances.placesOf(group.members)
  const places = inCells ? [...here, ...(await elsewhere(tx, group.members, here))] : here
  const limit = (await deps.quotas.prepared(tx, owner.projectId, owner.userId))['server_group_members'] ?? -1
  const used = places.filter(place => place.userId === owner.userId).length
  if (limit >= 0 && used + instanceIds.length > limit) throw GroupMemberLimitExceeded({})
  for (const id of instanceIds) await tx.serverGroups.addMember(group, id)
  // In the original an event tells of those who have joined, not of all who are in.
  for (const id of instanceIds)
    await deps.notices.tell(tx, 'server_group.add_member', { group: { ...group, members: [instanceId(id)] } })
  return groupInSpec(group, places)
}
