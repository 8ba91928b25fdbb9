import type { Face } from '#http'
import { type AutoTopologyDeps, autoTopology, requireAutoTopology } from '../auto-topology.ts'
import { BadRequest, PolicyNotAuthorized } from '../faults.ts'
import { type ApiDeps, queryOf, requesterFrom } from './crud.ts'

/** `GET /auto-allocated-topology/{project}` makes what it shows; `?fields=dry-run` only says whether it could. */
export function serveAutoTopology(face: Face, deps: ApiDeps, topology: AutoTopologyDeps): void {
  face.get('/v2.0/auto-allocated-topology/:project', async request => {
    const requester = await requesterFrom(deps.identity, request)
    const { project } = request.params as { project: string }
    const projectId = project === 'None' ? (requester.projectId ?? '') : project
    if (!requester.isAdmin && projectId !== requester.projectId)
      throw PolicyNotAuthorized({ rule: 'rule:get_auto_allocated_topology' })
    const fields = [queryOf(request)['fields'] ?? []].flat()
    const answer = (id: string) => ({ auto_allocated_topology: { id, tenant_id: projectId, project_id: projectId } })
    if (fields.includes('dry-run')) {
      await requireAutoTopology(deps.db)
      return answer('dry-run=pass')
    }
    if (fields.length > 0) throw BadRequest({ reason: 'Bad auto_allocate request: Unrecognized field.' })
    return answer(await autoTopology(topology, projectId))
  })
}
