import { list, obj, operation, query, reply, request, resource, since, str, text, uuid } from '#api/kit'
import type { ServerShare } from '#model'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { acceptShare, acceptShareRemoval, mountable, mustSupportShares, shareIn } from './attach.ts'

/** File shares of servers (2.97): Manila's, given to servers that are off and had by their guests from the next start on. */

const rule = 'os_compute_api:os-server-shares'
const exists = since('2.97')
const strict = query({}, { strict: exists })
const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; shareId: string }>()

const share = {
  share_id: str,
  status: str,
  tag: str,
  uuid: str.optional(),
  export_location: str.optional(),
}

const summary = ({ shareId, status, tag }: ServerShare) => ({ share_id: shareId, status, tag })

/** Where it lies is for administrators to know. */
const detail = (found: ServerShare, forAdmin: boolean) => ({
  ...summary(found),
  ...(forAdmin ? { export_location: found.exportLocation, uuid: found.id } : {}),
})

const index = op({
  exists,
  policy: `${rule}:index`,
  query: strict,
  reply: reply('shares', list(obj(share))),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return (await deps.store.serverShares.of(instance.id)).map(summary)
  },
})

const create = op({
  exists,
  status: 201,
  policy: `${rule}:create`,
  body: request('share', {
    share_id: uuid,
    tag: text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-]*$' }).optional(),
  }),
  reply: reply('share', share),
  faults: {
    InstanceNotFound: 404,
    InstanceInvalidState: 409,
    ShareNotFound: 404,
    Forbidden: 403,
    ManilaConnectionFailed: 400,
    ShareStatusIncorect: 409,
    ShareMissingExportLocation: 409,
    ShareProtocolNotSupported: 409,
    ShareMappingAlreadyExists: 409,
    ForbiddenSharesNotSupported: 403,
    ForbiddenSharesNotConfiguredCorrectly: 409,
  },
  async handle({ path, body, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'attachShare', 'create share', isAdmin(caller))
    await mustSupportShares(deps, instance)
    const found = await deps.shares.get(caller, body.share_id)
    mountable(found)
    const asking = { caller, isAdmin: isAdmin(caller), requestId }
    const made = await acceptShare(deps, asking, instance, { share: found, tag: body.tag ?? found.id })
    return detail(made, isAdmin(caller))
  },
})

const show = opOnOne({
  exists,
  policy: `${rule}:show`,
  query: strict,
  reply: reply('share', share),
  faults: { InstanceNotFound: 404, ShareNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return detail(await shareIn(deps, instance, path.shareId), isAdmin(caller))
  },
})

const remove = opOnOne({
  exists,
  policy: `${rule}:delete`,
  faults: { InstanceNotFound: 404, InstanceInvalidState: 409, ShareNotFound: 404 },
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'detachShare', 'delete share', isAdmin(caller))
    const found = await shareIn(deps, instance, path.shareId)
    await acceptShareRemoval(deps, { caller, isAdmin: isAdmin(caller), requestId }, instance, found)
  },
})

export const serverShares = resource('/servers/{id}/shares', {
  'GET /': index,
  'POST /': create,
  'GET /{shareId}': show,
  'DELETE /{shareId}': remove,
})
