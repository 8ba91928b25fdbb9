import { list, obj, operation, query, reply, request, resource, since, str, text, uuid } from '#api/kit'
import { declareFault } from '#base'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'

/**
 * File shares of servers (2.97). They are Manila's, and a cloud of ours has none: there is no share that could be found or
 * taken, so no server has one. All that Nova checks before it asks Manila is checked.
 */

const rule = 'os_compute_api:os-server-shares'
const exists = since('2.97')
const strict = query({}, { strict: exists })
const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; shareId: string }>()

const ShareNotFound = declareFault(
  'ShareNotFound',
  'missing',
  (p: { id: string }) => `Share ${p.id} could not be found.`,
)
/** Nova lets this one through as an error of its own; the caller can tell as much from a 400. */
const ManilaConnectionFailed = declareFault(
  'ManilaConnectionFailed',
  'refused',
  (p: { reason: string }) => `Connection to manila service failed: ${p.reason}`,
)

const share = {
  uuid: str.optional(),
  share_id: str,
  status: str,
  tag: str,
  export_location: str.optional(),
}

const index = op({
  exists,
  policy: `${rule}:index`,
  query: strict,
  reply: reply('shares', list(obj(share))),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    allow(targetOf(await findServer(deps, caller, path.id)))
    return []
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
  faults: { InstanceNotFound: 404, InstanceInvalidState: 409, ManilaConnectionFailed: 400 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'attachShare', 'create share', isAdmin(caller))
    throw ManilaConnectionFailed({ reason: 'internal endpoint for shared-file-system service not found' })
  },
})

const show = opOnOne({
  exists,
  policy: `${rule}:show`,
  query: strict,
  reply: reply('share', share),
  faults: { InstanceNotFound: 404, ShareNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    allow(targetOf(await findServer(deps, caller, path.id)))
    throw ShareNotFound({ id: path.shareId })
  },
})

const remove = opOnOne({
  exists,
  policy: `${rule}:delete`,
  faults: { InstanceNotFound: 404, InstanceInvalidState: 409, ShareNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'detachShare', 'delete share', isAdmin(caller))
    throw ShareNotFound({ id: path.shareId })
  },
})

export const serverShares = resource('/servers/{id}/shares', {
  'GET /': index,
  'POST /': create,
  'GET /{shareId}': show,
  'DELETE /{shareId}': remove,
})
