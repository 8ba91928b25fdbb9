import type { Face } from '#http'
import {
  defaultQuotas,
  projectsWithQuotas,
  type QuotaResource,
  quotaResources,
  quotasOf,
  resetQuotas,
  setQuotas,
  usedOf,
} from '../core/quotas.ts'
import { BadRequest, QuotaInvalid } from '../faults.ts'
import { isObject } from './attributes.ts'
import { type Requester, requireAdmin } from './context.ts'
import { type ApiDeps, readBody, requesterFrom } from './crud.ts'

/** Anybody sees the limits of the own project; only administrators see or set those of others. */
function requireOwn(requester: Requester, projectId: string): void {
  if (requester.projectId !== projectId) requireAdmin(requester, 'get_quota')
}

function readQuotas(body: Record<string, unknown>): Partial<Record<QuotaResource, number>> {
  const { quota } = body
  if (!isObject(quota)) throw BadRequest({ reason: "Unable to find 'quota' in request body" })
  const amounts: Partial<Record<QuotaResource, number>> = {}
  for (const [name, value] of Object.entries(quota)) {
    if (name === 'tenant_id' || name === 'project_id' || name === 'force') continue
    const resource = quotaResources.find(known => known === name)
    if (resource === undefined) throw BadRequest({ reason: `Unrecognized attribute(s) '${name}'` })
    const amount = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof amount !== 'number' || !Number.isInteger(amount) || amount < -1 || amount > 0x7fffffff) {
      throw QuotaInvalid({ reason: `Quota limit for ${name} must be an integer of at least -1` })
    }
    amounts[resource] = amount
  }
  return amounts
}

async function detailsOf(deps: ApiDeps, projectId: string) {
  const limits = await quotasOf(deps.db, projectId)
  const entries: [string, { limit: number; used: number; reserved: number }][] = []
  for (const resource of quotaResources) {
    entries.push([resource, { limit: limits[resource], used: await usedOf(deps.db, projectId, resource), reserved: 0 }])
  }
  return Object.fromEntries(entries)
}

export function serveQuotas(face: Face, deps: ApiDeps): void {
  const { db, identity } = deps
  const projectOf = (params: unknown): string => (params as { project: string }).project

  face.get('/v2.0/quotas', async request => {
    requireAdmin(await requesterFrom(identity, request), 'get_quota')
    const quotas: object[] = []
    for (const id of await projectsWithQuotas(db))
      quotas.push({ ...(await quotasOf(db, id)), tenant_id: id, project_id: id })
    return { quotas }
  })
  face.get('/v2.0/quotas/tenant', async request => ownProject(await requesterFrom(identity, request)))
  face.get('/v2.0/quotas/project', async request => ownProject(await requesterFrom(identity, request)))
  face.get('/v2.0/quotas/:project', async request => {
    const project = projectOf(request.params)
    requireOwn(await requesterFrom(identity, request), project)
    return { quota: await quotasOf(db, project) }
  })
  face.get('/v2.0/quotas/:project/default', async request => {
    requireOwn(await requesterFrom(identity, request), projectOf(request.params))
    return { quota: defaultQuotas }
  })
  for (const path of ['details.json', 'details']) {
    face.get(`/v2.0/quotas/:project/${path}`, async request => {
      const project = projectOf(request.params)
      requireOwn(await requesterFrom(identity, request), project)
      return { quota: await detailsOf(deps, project) }
    })
  }
  face.put('/v2.0/quotas/:project', async request => {
    requireAdmin(await requesterFrom(identity, request), 'update_quota')
    const project = projectOf(request.params)
    const amounts = readQuotas(readBody(request))
    await deps.work.run(unit => setQuotas(unit.db, project, amounts))
    return { quota: await quotasOf(db, project) }
  })
  face.delete('/v2.0/quotas/:project', async (request, reply) => {
    requireAdmin(await requesterFrom(identity, request), 'delete_quota')
    await resetQuotas(db, projectOf(request.params))
    return reply.code(204).send()
  })
}

const ownProject = (requester: Requester) => ({
  tenant: { tenant_id: requester.projectId, project_id: requester.projectId },
})
