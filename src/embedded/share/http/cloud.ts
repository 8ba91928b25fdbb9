import { hostname } from 'node:os'
import { sendJson } from '#http'
import { requireAdmin } from '../core.ts'
import { Invalid, Missing, policyForbids } from '../faults.ts'
import { defaultLimits, limitsOf, quotaNames, resetLimits, setLimits, usageOf } from '../quotas.ts'
import { jsonOf, recordIn, wholeOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'

function requireView(x: Exchange): void {
  if (!x.actor.isAdmin && x.id !== x.actor.projectId) throw policyForbids('quota_set:show')
}

async function setQuotas(x: Exchange) {
  requireAdmin(x.actor, 'quota_set:update')
  const fields = recordIn(jsonOf(x.request), 'quota_set')
  const named = Object.keys(fields).filter(name => name !== 'tenant_id' && name !== 'force')
  const strange = named.filter(name => !quotaNames.some(known => known === name))
  if (strange.length > 0) throw Invalid({ reason: `Bad key(s) in quota set: ${strange.join(', ')}` })
  await setLimits(x.core, x.id, Object.fromEntries(named.map(name => [name, wholeOf(fields, name, -1)])))
  return sendJson(x.reply, 200, { quota_set: limitsOf(x.core, x.id) })
}

function quotaRoutes(parts: Parts): void {
  for (const path of ['/quota-sets/:id', '/os-quota-sets/:id']) {
    route(parts, 'GET', path, x => {
      requireView(x)
      return sendJson(x.reply, 200, { quota_set: { id: x.id, ...limitsOf(x.core, x.id) } })
    })
    route(parts, 'GET', `${path}/defaults`, x => sendJson(x.reply, 200, { quota_set: { id: x.id, ...defaultLimits } }))
    route(parts, 'GET', `${path}/detail`, x => {
      requireView(x)
      const used = usageOf(x.core, x.id)
      const limits = limitsOf(x.core, x.id)
      const detail = quotaNames.map(name => [name, { limit: limits[name], in_use: used[name], reserved: 0 }])
      return sendJson(x.reply, 200, { quota_set: { id: x.id, ...Object.fromEntries(detail) } })
    })
    route(parts, 'PUT', path, setQuotas)
    route(parts, 'DELETE', path, async x => {
      requireAdmin(x.actor, 'quota_set:delete')
      await resetLimits(x.core, x.id)
      return x.reply.code(202).send()
    })
  }
}

function limits(x: Exchange) {
  const most = limitsOf(x.core, x.actor.projectId)
  const used = usageOf(x.core, x.actor.projectId)
  return sendJson(x.reply, 200, {
    limits: {
      rate: [],
      absolute: {
        maxTotalShares: most['shares'],
        maxTotalShareGigabytes: most['gigabytes'],
        maxTotalShareSnapshots: most['snapshots'],
        maxTotalSnapshotGigabytes: most['snapshot_gigabytes'],
        maxTotalShareNetworks: most['share_networks'],
        totalSharesUsed: used.shares,
        totalShareGigabytesUsed: used.gigabytes,
        totalShareSnapshotsUsed: used.snapshots,
        totalSnapshotGigabytesUsed: used.snapshot_gigabytes,
        totalShareNetworksUsed: used.share_networks,
      },
    },
  })
}

function services(x: Exchange) {
  requireAdmin(x.actor, 'service:index')
  const all = ['manila-scheduler', 'manila-share'].map((binary, at) => ({
    id: at + 1,
    binary,
    host: binary === 'manila-share' ? x.core.pool.replace('#folders', '') : hostname(),
    zone: x.core.zone,
    status: 'enabled',
    state: 'up',
    updated_at: new Date(x.core.clock.now()).toISOString().replace('Z', '000'),
  }))
  return sendJson(x.reply, 200, { services: all })
}

/** Parts that a Manila need not have: their lists are empty, and nothing of theirs is found. */
const absent = [
  { path: '/snapshots', list: 'snapshots', one: 'Snapshot', since: 0 },
  { path: '/share-networks', list: 'share_networks', one: 'Share network', since: 0 },
  { path: '/security-services', list: 'security_services', one: 'Security service', since: 0 },
  { path: '/share-servers', list: 'share_servers', one: 'Share server', since: 0 },
  { path: '/share-groups', list: 'share_groups', one: 'Share group', since: 31 },
  { path: '/share-group-types', list: 'share_group_types', one: 'Share group type', since: 31 },
  { path: '/share-replicas', list: 'share_replicas', one: 'Share replica', since: 11 },
  { path: '/share-transfers', list: 'transfers', one: 'Transfer', since: 77 },
  { path: '/share-backups', list: 'share_backups', one: 'Share backup', since: 80 },
  { path: '/messages', list: 'messages', one: 'Message', since: 37 },
] as const

function absentRoutes(parts: Parts): void {
  for (const { path, list, one, since } of absent) {
    for (const at of [path, `${path}/detail`]) {
      route(parts, 'GET', at, x => sendJson(x.reply, 200, { [list]: [] }), { since })
    }
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const refuse = (x: Exchange) => {
        throw Missing({ reason: `${one} ${x.id} could not be found.` })
      }
      route(parts, method, `${path}/:id`, refuse, { since })
    }
  }
}

/** What the whole service tells of itself. */
export function cloudRoutes(parts: Parts): void {
  quotaRoutes(parts)
  route(parts, 'GET', '/limits', limits)
  for (const path of ['/services', '/os-services']) route(parts, 'GET', path, services)
  for (const path of ['/availability-zones', '/os-availability-zone']) {
    route(parts, 'GET', path, x =>
      sendJson(x.reply, 200, {
        availability_zones: [{ id: x.core.zone, name: x.core.zone, created_at: null, updated_at: null }],
      }),
    )
  }
  route(parts, 'GET', '/scheduler-stats/pools', x => {
    requireAdmin(x.actor, 'scheduler_stats:pools:index')
    const [host, backend = '', pool] = [x.core.pool.split('@')[0], x.core.pool.split('@')[1]?.split('#')[0], 'folders']
    return sendJson(x.reply, 200, { pools: [{ name: x.core.pool, host, backend, pool }] })
  })
  absentRoutes(parts)
}
