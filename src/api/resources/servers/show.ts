import { operation, query, since } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from './find.ts'
import { serverReply } from './shape.ts'
import { loadExtras, serverView } from './view.ts'

const op = operation<ApiDeps, { id: string }>()

export const show = op({
  policy: 'os_compute_api:servers:show',
  query: query({}, { strict: since('2.102') }),
  reply: serverReply,
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow, links }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return serverView(deps, instance, await loadExtras(deps, [instance], { showsGroups: true }), {
      links,
      isAdmin: isAdmin(caller),
    })
  },
})
