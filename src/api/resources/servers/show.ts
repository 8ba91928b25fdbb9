import { operation, query, since } from '#api/kit'
import { cellNotResponding } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { awayView, findAway } from './away.ts'
import { findServer, isAdmin, targetOf } from './find.ts'
import { serverReply } from './shape.ts'
import { loadExtras, serverView } from './view.ts'

const op = operation<ApiDeps, { id: string }>()

export const show = op({
  policy: 'os_compute_api:servers:show',
  query: query({}, { strict: since('2.102') }),
  reply: serverReply,
  faults: { InstanceNotFound: 404 },
  behaviours: { showsAway: since('2.69') },
  async handle({ path, caller, allow, links, behaves }, deps) {
    if (deps.away !== undefined) {
      if (!behaves.showsAway) throw cellNotResponding(deps.away)
      const mapping = await findAway(deps, caller, path.id)
      allow({ project_id: mapping.projectId, user_id: mapping.userId })
      return awayView(deps, mapping, links)
    }
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return serverView(deps, instance, await loadExtras(deps, [instance], { showsGroups: true }), {
      links,
      isAdmin: isAdmin(caller),
    })
  },
})
