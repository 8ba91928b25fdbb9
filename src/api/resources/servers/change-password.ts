import { bare, obj, operation, str } from '#api/kit'
import { hasEnded } from '../../accept/outcome.ts'
import { beginTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { faults } from './actions.ts'
import { mustHaveFacet } from './facet.ts'
import { findServer, isAdmin, targetOf } from './find.ts'

/** As long as Nova waits for its hosts. */
const answerWithinMs = 60_000

/** Sets the password of the administrator inside the guest, by the agent there. The answer comes when it is done. */
export const changePassword = operation<ApiDeps, { id: string }>()({
  status: 202,
  policy: 'os_compute_api:os-admin-password',
  body: bare(obj({ adminPass: str })),
  faults: {
    ...faults,
    InstanceAgentNotEnabled: 409,
    InstancePasswordSetFailed: 409,
    SagaCancelled: 409,
    MessagingTimeout: 409,
    NotImplemented: 501,
  },
  async handle({ path, body, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'changePassword', 'changePassword', isAdmin(caller))
    await mustHaveFacet(deps, instance, 'guestAgent', 'Unable to set password on instance')
    const sagaId = await beginTask(deps, caller, isAdmin(caller), requestId, instance, {
      action: 'changePassword',
      word: 'changePassword',
      saga: 'server-set-password',
      input: {},
      alsoWrite: tx => tx.launchSecrets.keep(instance.id, { adminPassword: body.adminPass, files: [] }),
    })
    await hasEnded(deps, sagaId, answerWithinMs)
  },
})
