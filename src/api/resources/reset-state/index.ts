import { bare, obj, oneOf, operation, resource } from '#api/kit'
import { InstanceNotFound } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'

/**
 * Writes ACTIVE or ERROR over whatever the record says. An operation on its way goes on, but it no longer owns the task and
 * so leaves the state alone.
 */
const reset = operation<ApiDeps, { id: string }>()({
  status: 202,
  policy: 'os_compute_api:os-admin-actions:reset_state',
  body: bare(obj({ state: oneOf('active', 'error') })),
  faults: { InstanceNotFound: 404 },
  async handle({ path, body, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const { id } = instance
    const nowMs = deps.clock.now()
    await deps.store.transaction(async tx => {
      await tx.actions.start({
        instanceId: id,
        action: 'resetState',
        requestId,
        userId: caller.userId,
        projectId: caller.projectId,
        startAtMs: nowMs,
      })
      const isThere = await tx.instances.change(id, { vmState: body.state, taskState: null, sagaId: null }, nowMs)
      if (!isThere) throw InstanceNotFound({ id })
    })
  },
})

export const resetState = resource('/servers', { 'POST /{id}/action os-resetState': reset })
