import { isRecord } from '#base'
import { paramOf, sendJson } from '#http'
import { Invalid, Missing, NotPermitted } from '../faults.ts'
import { requireAdmin, seen } from '../rights.ts'
import { jsonOf, type Parts, route } from './exchange.ts'

/**
 * What Glance has beyond images and what is off here: it answers as a Glance does where nobody has switched it on. Tasks
 * are for administrators, and there never are any, because images are imported by upload only.
 */
const noStores = 'Multi backend is not supported at this site.'

export function taskRoutes(parts: Parts): void {
  const access = 'tasks_api_access'
  route(parts, 'GET', '/v2/tasks', x => {
    requireAdmin(x.caller, access)
    return sendJson(x.reply, 200, { tasks: [], first: '/v2/tasks', schema: '/v2/schemas/tasks' })
  })
  route(parts, 'POST', '/v2/tasks', x => {
    requireAdmin(x.caller, access)
    const body = jsonOf(x.request)
    for (const name of ['type', 'input'])
      if (!isRecord(body) || body[name] === undefined) throw Invalid({ reason: `Task '${name}' is required` })
    throw Invalid({ reason: 'Images are imported by upload only.' })
  })
  route(parts, 'GET', '/v2/tasks/:id', x => {
    requireAdmin(x.caller, access)
    throw Missing({ reason: `No task found with ID ${paramOf(x.request, 'id')}` })
  })
  route(parts, 'DELETE', '/v2/tasks/:id', x => {
    requireAdmin(x.caller, access)
    throw NotPermitted({
      reason:
        'This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the time based on their expires_at property.',
    })
  })
  route(parts, 'GET', '/v2/images/:id/tasks', x => {
    seen(parts.state, x.caller, x.id)
    return sendJson(x.reply, 200, { tasks: [] })
  })
}

export function absentRoutes(parts: Parts): void {
  for (const url of ['/v2/info/stores', '/v2/info/stores/detail']) {
    route(parts, 'GET', url, () => {
      throw Missing({ reason: noStores })
    })
  }
  route(parts, 'DELETE', '/v2/stores/:store/:id', () => {
    throw Missing({ reason: noStores })
  })
  // Quotas in Keystone's unified limits, which are off.
  route(parts, 'GET', '/v2/info/usage', x => sendJson(x.reply, 200, { usage: {} }))
  route(parts, 'GET', '/v2/metadefs/namespaces', x =>
    sendJson(x.reply, 200, {
      namespaces: [],
      first: '/v2/metadefs/namespaces',
      schema: '/v2/schemas/metadefs/namespaces',
    }),
  )
  route(parts, 'GET', '/v2/metadefs/resource_types', x => sendJson(x.reply, 200, { resource_types: [] }))
}
