import { flagOf, sendJson } from '#http'
import { requireAdmin } from '../core.ts'
import { Invalid, PolicyForbids } from '../faults.ts'
import { absoluteLimits } from '../limits.ts'
import { classLimits, defaultLimits, type Limits, projectLimits, resourceNames, usageOf } from '../quotas.ts'
import { badField, Fields, jsonOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'

/** Not quotas, but sent along by clients. */
const notQuotas = ['tenant_id', 'id', 'skip_validation']

/** The owner's limits, or refused: a project may see its own. */
function requireView(x: Exchange): void {
  if (!x.actor.isAdmin && x.id !== x.actor.projectId) throw PolicyForbids({ action: 'volume_extension:quotas:show' })
}

function withUsage(x: Exchange, limits: Limits) {
  const used = usageOf(x.core.state, x.id)
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => [name, { limit, in_use: used[name] ?? 0, reserved: 0 }]),
  )
}

function wishedLimits(x: Exchange, fields: Fields): Limits {
  const names = resourceNames(x.core.state)
  const limits: Limits = {}
  for (const name of Object.keys(fields.record)) {
    if (notQuotas.includes(name)) continue
    if (!names.includes(name)) throw Invalid({ reason: `Bad key(s) in quota set: ${name}` })
    const limit = fields.integer(name, -1)
    if (limit === undefined) throw badField(name, null, "None is not of type 'integer'")
    limits[name] = limit
  }
  if (Object.keys(fields.record).length === 0) throw badField('quota_set', {}, '{} does not have enough properties')
  return limits
}

async function write(x: Exchange, kind: 'project' | 'class', limits: Limits): Promise<void> {
  await x.core.state.change(change => {
    for (const [resource, hard_limit] of Object.entries(limits)) {
      change.put('volume_quotas', { owner_kind: kind, owner_id: x.id, resource, hard_limit })
    }
  })
}

async function update(x: Exchange) {
  const fields = Fields.of(new Fields('body', jsonOf(x.request)).only('quota_set').record, 'quota_set')
  requireAdmin(x.actor, 'volume_extension:quotas:update')
  const limits = wishedLimits(x, fields)
  const used = usageOf(x.core.state, x.id)
  for (const [name, limit] of Object.entries(limits)) {
    if (limit < 0 || name === 'per_volume_gigabytes' || limit >= (used[name] ?? 0)) continue
    throw Invalid({
      reason: `Quota ${name} limit must be equal or greater than existing resources. Current usage is ${used[name]} and the requested limit is ${limit}.`,
    })
  }
  await write(x, 'project', limits)
  return sendJson(x.reply, 200, { quota_set: projectLimits(x.core.state, x.id) })
}

async function remove(x: Exchange) {
  requireAdmin(x.actor, 'volume_extension:quotas:delete')
  const { state } = x.core
  await state.change(change => {
    for (const row of state.table('volume_quotas').by('owner', `project/${x.id}`)) change.remove('volume_quotas', row)
  })
  return x.reply.code(200).send()
}

export function quotaRoutes(parts: Parts): void {
  route(parts, 'GET', '/os-quota-sets/:id', x => {
    requireView(x)
    const limits = projectLimits(x.core.state, x.id)
    const shown = flagOf(x.query, 'usage') ? withUsage(x, limits) : limits
    return sendJson(x.reply, 200, { quota_set: { ...shown, id: x.id } })
  })
  route(parts, 'GET', '/os-quota-sets/:id/defaults', x => {
    requireView(x)
    return sendJson(x.reply, 200, { quota_set: { ...defaultLimits(x.core.state), id: x.id } })
  })
  route(parts, 'PUT', '/os-quota-sets/:id', update)
  route(parts, 'DELETE', '/os-quota-sets/:id', remove)
  route(parts, 'GET', '/os-quota-class-sets/:id', x => {
    requireAdmin(x.actor, 'volume_extension:quota_classes:get')
    return sendJson(x.reply, 200, { quota_class_set: { ...classLimits(x.core.state, x.id), id: x.id } })
  })
  route(parts, 'PUT', '/os-quota-class-sets/:id', async x => {
    const fields = Fields.of(jsonOf(x.request), 'quota_class_set')
    requireAdmin(x.actor, 'volume_extension:quota_classes:update')
    await write(x, 'class', wishedLimits(x, fields))
    return sendJson(x.reply, 200, { quota_class_set: classLimits(x.core.state, x.id) })
  })
  route(parts, 'GET', '/limits', x => {
    const asked = x.query.get('project_id') ?? x.query.get('tenant_id')
    const project = x.actor.isAdmin && x.version >= 39 && asked !== null ? asked : x.actor.projectId
    return sendJson(x.reply, 200, { limits: { rate: [], absolute: absoluteLimits(x.core.state, project) } })
  })
}
