import type { SagaInputs } from '#bus'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { hostClient } from '../hosts.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'

type Extend = SagaInputs['volume-extend']

const event = 'compute_extend_volume'

/** A volume service that waits for the guest is told what came of it; any other has gone on. */
async function tell(d: ConductorDeps, volumeId: string, isFailed: boolean): Promise<void> {
  const { status } = await d.volumes.get('service', volumeId)
  if (status === 'extending') await d.volumes.completeExtend('service', volumeId, { isFailed })
}

/**
 * A volume of the server has grown: so do its record and what the guest sees of it. The volume does not shrink again, so
 * the record is right whatever comes of the guest.
 */
export const volumeExtend = saga<ConductorDeps, Extend, Store>('volume-extend')
  .step(
    'record',
    async (s, d) => {
      const { instanceId, volumeId } = s.input
      const { host } = await d.store.instances.get(instanceId)
      await startEvent(d.store, d.clock.now(), s.input, event, host)
      const device = (await d.store.blockDevices.of(instanceId)).find(found => found.volumeId === volumeId)
      if (device === undefined) {
        d.log.warn({ instance_id: instanceId, volume_id: volumeId }, 'a volume was extended that this server has not')
        return { host: null, sizeGiB: 0, isOurs: false }
      }
      const { sizeGiB } = await d.volumes.get('service', volumeId)
      await d.store.blockDevices.change(device.id, { size: sizeGiB })
      return { host, sizeGiB, isOurs: true }
    },
    async (s, d) => {
      if (s.record?.isOurs === true) await tell(d, s.input.volumeId, true)
    },
  )
  .pivot('guest', async (s, d, c) => {
    const { host, sizeGiB } = s.record
    const { instanceId: id, volumeId } = s.input
    if (host !== null) await hostClient(d, host).extendVolume({ id, volumeId, sizeGiB }, { key: c.key })
  })
  .step('told', async (s, d) => {
    if (s.record.isOurs) await tell(d, s.input.volumeId, false)
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, s.record?.host ?? null)
  })
