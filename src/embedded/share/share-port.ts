import { Fault } from '#base'
import {
  type As,
  type IdentityPort,
  type Share,
  type ShareAccess,
  ShareAccessGrantError,
  ShareAccessRemovalError,
  ShareForbidden,
  ShareNotFound,
  type SharePort,
} from '#cloud'
import { accessOf, allowAccess, denyAccess } from './access.ts'
import { type Actor, type Core, seenShare } from './core.ts'
import type { AccessRow, ShareRow } from './store/rows.ts'

const shareOf = (core: Core, row: ShareRow): Share => ({
  id: row.id,
  status: row.status,
  name: row.name,
  sizeGiB: row.size_gib,
  projectId: row.project_id,
  availabilityZone: row.availability_zone,
  protocol: row.share_proto,
  exportLocation: row.status === 'creating' ? null : core.folders.pathOf(row.instance_id),
})

const ruleOf = (row: AccessRow): ShareAccess => ({
  id: row.id,
  type: row.access_type === 'cephx' ? 'cephx' : 'ip',
  to: row.access_to,
  level: row.access_level,
  state: row.state,
  key: null,
})

/** Manila's refusals in Nova's words, as a caller over HTTP gets them. */
async function inNovasWords<T>(id: string, refused: (reason: string) => Fault, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Fault) || error.status < 400 || error.status === 500) throw error
    if (error.status === 404) throw ShareNotFound({ id })
    if (error.status === 403) throw ShareForbidden({ reason: error.message })
    throw refused(`${error.message} (HTTP ${error.status})`)
  }
}

/** The share service as the others in this process see it. */
export function sharePort(core: Core, identity: IdentityPort): SharePort {
  const actorOf = async (as: As): Promise<Actor> => {
    const { projectId, userId, roles } = as === 'service' ? await identity.serviceCaller() : as
    const isAdmin = as === 'service' || roles.includes('admin')
    const canWrite = isAdmin || roles.includes('member')
    return { projectId: projectId ?? '', userId, isAdmin, canWrite, isService: as === 'service' }
  }
  const find = async (id: string, { type, to }: { type: string; to: string }) => {
    const actor = await actorOf('service')
    return accessOf(core, actor, id).find(rule => rule.access_type === type && rule.access_to === to)
  }
  const missing = (id: string) => () => ShareNotFound({ id })
  return {
    async get(as, id) {
      const actor = await actorOf(as)
      return inNovasWords(id, missing(id), () => shareOf(core, seenShare(core, actor, id)))
    },
    access: (id, grantee) =>
      inNovasWords(id, missing(id), async () => {
        const row = await find(id, grantee)
        return row === undefined ? undefined : ruleOf(row)
      }),
    allow: async (id, { type, to }) => {
      const actor = await actorOf('service')
      const locks = { locksVisibility: true, locksDeletion: true, lockReason: 'Lock by nova' }
      const wish = { type, to, level: 'rw', metadata: {}, ...locks }
      return inNovasWords(
        id,
        reason => ShareAccessGrantError({ id, reason }),
        async () => ruleOf(await allowAccess(core, actor, id, wish)),
      )
    },
    deny: async (id, grantee) => {
      const actor = await actorOf('service')
      try {
        await inNovasWords(
          id,
          reason => ShareAccessRemovalError({ id, reason }),
          async () => {
            const row = await find(id, grantee)
            if (row !== undefined) await denyAccess(core, actor, id, row.id, { unrestrict: true })
          },
        )
      } catch (error) {
        if (!ShareNotFound.is(error)) throw error
      }
    },
  }
}
