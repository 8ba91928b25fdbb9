import type { SagaInputs } from '#bus'
import { ImageNotFound } from '#cloud'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { removeImage } from '../images.ts'
import { say } from '../notices.ts'
import { startEvent } from '../records.ts'
import { offload, powerOff, powerOnAgain, withoutShelvedKeys } from '../shelving.ts'
import { hostOf, mustBeOurs, nowDoing, settleSnapshot, uploadDisk } from '../snapshot.ts'

const event = 'compute_shelve_instance'

/**
 * A server with a disk of its own goes on the shelf: off, its disk into an image, and at once from its host where
 * `shelved_offload_time` is 0. Undone: it runs as before, and the image is gone.
 */
export const serverShelve = saga<ConductorDeps, SagaInputs['server-shelve'], Store>('server-shelve')
  .step(
    'image',
    async (s, d) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const host = hostOf(instance)
      await startEvent(d.store, d.clock.now(), s.input, event, host)
      return { host, vmState: instance.vmState, powerState: instance.powerState }
    },
    (s, d) => removeImage(d, s.input.imageId),
  )
  .step(
    'guest',
    async (s, d, c) => powerOff(d, await d.store.instances.get(s.input.instanceId), s.image.host, c.key),
    (s, d, c) => powerOnAgain(d, s.input.instanceId, c.key),
  )
  .step('copy', (s, d, c) => nowDoing(d, s.input, c, 'shelving_image_pending_upload'))
  .step('bits', async (s, d, c) => {
    await nowDoing(d, s.input, c, 'shelving_image_uploading')
    // Without its image the server could not come back.
    if (!(await uploadDisk(d, s.input, c))) throw ImageNotFound({ id: s.input.imageId })
  })
  .pivot(
    'shelved',
    async (s, d, c) => {
      const instance = await d.store.instances.get(s.input.instanceId)
      const now = d.clock.now()
      const isOffloaded = d.options.shelvedOffloadMs === 0
      const systemMetadata = {
        ...instance.systemMetadata,
        shelved_at: new Date(now).toISOString(),
        shelved_image_id: s.input.imageId,
        shelved_host: s.image.host,
      }
      const task = isOffloaded ? { taskState: 'shelving_offloading' as const } : {}
      const change = { vmState: 'shelved', powerState: 4, systemMetadata, ...task } as const
      await mustBeOurs(d, s.input, c, change)
      return { isOffloaded }
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined || s.image === undefined) return
      const { vmState, powerState } = s.image
      const change = { vmState, powerState, systemMetadata: withoutShelvedKeys(instance) }
      await d.store.instances.change(instance.id, change, d.clock.now(), { sagaId: c.sagaId })
    },
  )
  .step('host', async (s, d, c) => {
    if (s.shelved.isOffloaded) await offload(d, s.input.instanceId, s.image.host, c.key)
  })
  .settled((s, outcome, tx, at) => settleSnapshot(s.input, event, outcome, tx, at))
  .telling({
    'before guest': [say('instance.exists'), say('instance.shelve.start')],
    'after shelved': [
      say('instance.shelve.end', s => (s.shelved?.isOffloaded === true ? {} : undefined)),
      say('instance.shelve_offload.start', s => (s.shelved?.isOffloaded === true ? {} : undefined)),
    ],
    done: [
      say('instance.shelve.end', s => (s.shelved?.isOffloaded === true ? undefined : {})),
      say('instance.shelve_offload.end', s =>
        s.shelved?.isOffloaded === true ? { host: s.image?.host ?? null } : undefined,
      ),
    ],
  })
