import type { Caller } from '#cloud'
import { type Instance, InstanceNotFound } from '#model'
import type { ApiDeps } from '../../deps.ts'

/** Nova's is_admin context: sees every project's servers and passes locks. */
export const isAdmin = (caller: Caller): boolean => caller.roles.includes('admin')

/** The server, if the caller's project may know of it; otherwise the same 404 as for one that never was. */
export async function findServer(deps: ApiDeps, caller: Caller, id: string, withDeleted = false): Promise<Instance> {
  const instance = await deps.store.instances.find(id, { withDeleted })
  if (instance === undefined || (!isAdmin(caller) && instance.projectId !== caller.projectId))
    throw InstanceNotFound({ id })
  return instance
}

/** What policy rules compare a server with. */
export const targetOf = (instance: Instance) => ({ project_id: instance.projectId, user_id: instance.userId })
