import { sendJson } from '#http'
import { Missing } from '../faults.ts'
import { type Parts, route } from './exchange.ts'

/** Services that a Cinder need not have: their lists are empty, and nothing of theirs is found. */
const collections = [
  { path: '/backups', list: 'backups', one: 'Backup', hasDetail: true, since: 0 },
  { path: '/consistencygroups', list: 'consistencygroups', one: 'ConsistencyGroup', hasDetail: true, since: 0 },
  { path: '/cgsnapshots', list: 'cgsnapshots', one: 'CgSnapshot', hasDetail: true, since: 0 },
  { path: '/groups', list: 'groups', one: 'Group', hasDetail: true, since: 13 },
  { path: '/group_snapshots', list: 'group_snapshots', one: 'GroupSnapshot', hasDetail: true, since: 14 },
  { path: '/group_types', list: 'group_types', one: 'Group type', hasDetail: false, since: 11 },
  { path: '/clusters', list: 'clusters', one: 'Cluster', hasDetail: true, since: 7 },
] as const

export function absentRoutes(parts: Parts): void {
  for (const { path, list, one, hasDetail, since } of collections) {
    const empty = { [list]: [] }
    route(parts, 'GET', path, x => sendJson(x.reply, 200, empty), { since })
    if (hasDetail) route(parts, 'GET', `${path}/detail`, x => sendJson(x.reply, 200, empty), { since })
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const missing = (id: string) => Missing({ reason: `${one} ${id} could not be found.` })
      route(
        parts,
        method,
        `${path}/:id`,
        x => {
          throw missing(x.id)
        },
        { since },
      )
    }
  }
}
