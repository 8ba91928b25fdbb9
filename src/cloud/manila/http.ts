import { Fault } from '#base'
import type { As } from '../glance/port.ts'
import { bodyOf, type HttpReply } from '../http/client.ts'
import { EndpointMissing, NeighbourUnavailable } from '../http/faults.ts'
import { inPath, type ServiceCall, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import {
  ManilaConnectionFailed,
  ShareAccessGrantError,
  ShareAccessRemovalError,
  ShareForbidden,
  type ShareGrantee,
  ShareNotFound,
  type SharePort,
} from './port.ts'
import {
  accessOf,
  exportLocationOf,
  shareOf,
  type WireAccess,
  type WireExportLocation,
  type WireShare,
} from './wire.ts'

/** Rules that carry their locks with them; paths need no project since 2.60. */
const version = '2.82'
const lockReason = 'Lock by nova'

/** The first sentence of what Manila says was wrong. */
function messageOf(reply: HttpReply): string {
  if (!reply.text.startsWith('{')) return reply.text.slice(0, 200)
  const [fault] = Object.values(bodyOf<Readonly<Record<string, { readonly message?: string }>>>(reply))
  return fault?.message ?? reply.text.slice(0, 200)
}

/** Manila v2. */
export function manilaPort(options: ServiceOptions): SharePort {
  const client = new ServiceClient('shared-file-system', '/v2', options)
  const send = async (as: As, call: ServiceCall): Promise<HttpReply> => {
    try {
      return await client.call(as, { ...call, headers: { 'x-openstack-manila-api-version': version } })
    } catch (error) {
      if (!NeighbourUnavailable.is(error) && !EndpointMissing.is(error)) throw error
      throw ManilaConnectionFailed({ reason: error.message }, { cause: error, detail: error.detail ?? error.message })
    }
  }
  /** Of one share: what is not there, or is no id, is not found. */
  const call = async (as: As, id: string, asked: ServiceCall, refused: (reason: string) => Fault) => {
    const reply = await send(as, asked)
    if (reply.status < 300) return reply
    if (reply.status === 404) throw ShareNotFound({ id }, { detail: reply.place })
    if (reply.status === 403) throw ShareForbidden({ reason: messageOf(reply) }, { detail: reply.place })
    throw refused(`${messageOf(reply)} (HTTP ${reply.status})`)
  }
  const noShare = (id: string) => (detail: string) => ShareNotFound({ id }, { detail })

  const access: SharePort['access'] = async (id, grantee) => {
    const path = '/share-access-rules'
    const query = new URLSearchParams({ share_id: id })
    const reply = await call('service', id, { method: 'GET', path, query }, noShare(id))
    const rules = bodyOf<{ access_list: readonly WireAccess[] }>(reply).access_list
    const mine = rules.find(rule => rule.access_type === grantee.type && rule.access_to === grantee.to)
    return mine === undefined ? undefined : accessOf(mine)
  }
  const act = (id: string, action: string, body: object, refused: (reason: string) => Fault) =>
    call('service', id, { method: 'POST', path: `/shares/${inPath(id)}/action`, json: { [action]: body } }, refused)
  return {
    async get(as, id) {
      const path = `/shares/${inPath(id)}`
      const { share } = bodyOf<{ share: WireShare }>(await call(as, id, { method: 'GET', path }, noShare(id)))
      const reply = await call(as, id, { method: 'GET', path: `${path}/export_locations` }, noShare(id))
      const { export_locations } = bodyOf<{ export_locations: readonly WireExportLocation[] }>(reply)
      return shareOf(share, exportLocationOf(export_locations))
    },
    access,
    async allow(id, grantee: ShareGrantee) {
      const rule = {
        access_type: grantee.type,
        access_to: grantee.to,
        access_level: 'rw',
        lock_visibility: true,
        lock_deletion: true,
        lock_reason: lockReason,
      }
      const reply = await act(id, 'allow_access', rule, reason => ShareAccessGrantError({ id, reason }))
      return accessOf(bodyOf<{ access: WireAccess }>(reply).access)
    },
    async deny(id, grantee) {
      try {
        const rule = await access(id, grantee)
        if (rule === undefined) return
        const body = { access_id: rule.id, unrestrict: true }
        await act(id, 'deny_access', body, reason => ShareAccessRemovalError({ id, reason }))
      } catch (error) {
        if (!ShareNotFound.is(error)) throw error
      }
    },
  }
}
