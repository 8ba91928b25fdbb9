import { isUuidLike } from '#base'
import type { Caller, SecurityGroupView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { GroupIdMalformed, GroupUnknown } from './faults.ts'

export function mustBeId(id: unknown): string {
  if (typeof id !== 'string' || !isUuidLike(id)) throw GroupIdMalformed({})
  return id
}

/** The group with that id, as far as the caller sees it. */
export async function findGroup(deps: ApiDeps, caller: Caller, asked: unknown): Promise<SecurityGroupView> {
  const id = mustBeId(asked)
  const [group] = await deps.network.securityGroups(caller, { ids: [id] })
  if (group === undefined) throw GroupUnknown({ id })
  return group
}
