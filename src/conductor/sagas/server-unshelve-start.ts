import type { SagaInputs } from '#bus'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { specOf } from '../guest-spec.ts'
import { hostClient, isHostUp, unlessAborted } from '../hosts.ts'
import { removeImage } from '../images.ts'
import { say } from '../notices.ts'
import { finishEvent, startEvent } from '../records.ts'
import { onShelf, putBack, withoutShelvedKeys } from '../shelving.ts'
import { hostOf, mustBeOurs, nowDoing, settleSnapshot } from '../snapshot.ts'

const outer = 'conductor_unshelve_instance'
const event = 'compute_start_instance'

/** A shelved server that is still on its host is started there; its image is needed no more. */
export const serverUnshelveStart = saga<ConductorDeps, SagaInputs['server-unshelve-start'], Store>(
  'server-unshelve-start',
)
  .step('shelf', async (s, d) => {
    await startEvent(d.store, d.clock.now(), s.input, outer, null)
    return onShelf(await d.store.instances.get(s.input.instanceId))
  })
  .step(
    'guest',
    async (s, d, c) => {
      await nowDoing(d, s.input, c, 'powering-on')
      const instance = await d.store.instances.get(s.input.instanceId)
      const host = hostOf(instance)
      await startEvent(d.store, d.clock.now(), s.input, event, host)
      for (const vif of instance.networkInfo) await d.plugger?.plug(vif.portId)
      const { power } = await unlessAborted(
        c.signal,
        hostClient(d, host).start({ spec: await specOf(d, instance) }, { key: c.key }),
      )
      return { host, power }
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined || instance.host === null || !(await isHostUp(d, instance.host))) return
      await hostClient(d, instance.host).stop({ id: instance.id, gracefulMs: 0 }, { key: c.key })
    },
  )
  .pivot(
    'active',
    async (s, d, c) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const change = {
        vmState: 'active',
        powerState: s.guest.power,
        systemMetadata: withoutShelvedKeys(instance),
      } as const
      await mustBeOurs(d, s.input, c, change)
    },
    (s, d, c) => putBack(d, s.input.instanceId, s.shelf, c.sagaId),
  )
  .step('image', async (s, d) => {
    const { shelved_image_id: imageId } = s.shelf.keys
    if (imageId !== undefined) await removeImage(d, imageId)
  })
  .settled(async (s, outcome, tx, at) => {
    await finishEvent(tx, at.nowMs, s.input, outer, outcome.status === 'undone' ? outcome.failure : undefined)
    await settleSnapshot(s.input, event, outcome, tx, at)
  })
  .telling({ 'before guest': say('instance.power_on.start'), done: say('instance.power_on.end') })
