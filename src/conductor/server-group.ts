import { GroupPolicyViolated, groupInSpec, type RequestSpec, violatedPolicy } from '#model'
import { type Store, turnOf } from '#store'
import { placesElsewhere, placesInCells } from './cells.ts'
import type { ConductorDeps } from './deps.ts'

/**
 * The request as it has to be decided now: with the group as it is, not as it was when the server was made. The servers
 * that are to be placed do not count where they are. A group that is gone binds nobody.
 */
export async function withGroupNow(
  d: ConductorDeps,
  spec: RequestSpec,
  instanceIds: readonly string[],
): Promise<RequestSpec> {
  if (spec.serverGroup === null) return spec
  const group = await d.store.serverGroups.find(spec.serverGroup.id)
  if (group === undefined) return { ...spec, serverGroup: null }
  const moving = new Set(instanceIds)
  const places = await placesInCells(d, group.members)
  const others = places.map(place => (moving.has(place.id) ? { ...place, host: null } : place))
  return { ...spec, serverGroup: groupInSpec(group, others) }
}

/**
 * The late look: may the server be on the host, with the group's members where they are, or on their way, at this moment?
 * In the transaction that writes the server's host or the target of its move, so that of two which chose at the same time
 * the second one sees the first.
 */
export async function mustKeepPolicy(tx: Store, instanceId: string, host: string): Promise<void> {
  const groupId = (await tx.serverGroups.ofServers([instanceId])).get(instanceId)
  if (groupId === undefined) return
  await tx.turn(turnOf.group(groupId))
  const group = await tx.serverGroups.find(groupId)
  if (group === undefined) return
  const members = group.members.filter(member => member !== instanceId)
  // Moves before places: a server has its new host before its move is over, and so is seen by one of the two.
  const moving = group.policy === 'anti-affinity' ? await tx.moves.movingAt(host, members) : new Set<string>()
  const others = await tx.instances.placesOf(members)
  const here = others.flatMap(place => (moving.has(place.id) ? [host] : place.host === null ? [] : [place.host]))
  const hosts = [...here, ...(await placesElsewhere(tx, members, others))]
  const policy = violatedPolicy(group, host, hosts)
  if (policy !== undefined) throw GroupPolicyViolated({ policy })
}
