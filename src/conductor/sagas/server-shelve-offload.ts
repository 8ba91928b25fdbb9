import type { SagaInputs } from '#bus'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { say } from '../notices.ts'
import { startEvent } from '../records.ts'
import { offload, powerOff, powerOnAgain } from '../shelving.ts'
import { hostOf, mustBeOurs, settleSnapshot } from '../snapshot.ts'

const event = 'compute_shelve_offload_instance'

/**
 * A shelved server leaves its host, or one whose root disk is a volume goes on the shelf without an image. The last is
 * shut down first, and may be taken back until then.
 */
export const serverShelveOffload = saga<ConductorDeps, SagaInputs['server-shelve-offload'], Store>(
  'server-shelve-offload',
)
  .step(
    'guest',
    async (s, d, c) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const host = hostOf(instance)
      await startEvent(d.store, d.clock.now(), s.input, event, host)
      await powerOff(d, instance, host, c.key)
      return { host }
    },
    (s, d, c) => powerOnAgain(d, s.input.instanceId, c.key),
  )
  .pivot('decision', (s, d, c) => mustBeOurs(d, s.input, c))
  .step('host', (s, d, c) => offload(d, s.input.instanceId, s.guest.host, c.key))
  .settled((s, outcome, tx, at) => settleSnapshot(s.input, event, outcome, tx, at))
  .telling({
    'before guest': say('instance.shelve_offload.start'),
    done: say('instance.shelve_offload.end', s => ({ host: s.guest?.host ?? null })),
  })
