import { instanceId } from '#base'
import type { ServerTask, SnapshotOrder } from '#bus'
import { ImageNotFound } from '#cloud'
import { type Instance, InstanceChanged, InstanceNotReady, type TaskState } from '#model'
import { type Outcome, type SettleContext, type StepContext, saga } from '#saga'
import type { InstanceChange, Store } from '#store'
import type { ConductorDeps } from './deps.ts'
import { snapshotKeys } from './disk-keys.ts'
import { hostClient, unlessAborted } from './hosts.ts'
import { removeSnapshot } from './images.ts'
import { say } from './notices.ts'
import { finishEvent, recordFault, startEvent } from './records.ts'

/** The image's record was made when the request was accepted; the saga fills it, or removes it. */
export interface SnapshotTask extends ServerTask {
  readonly imageId: string
}

/** Fails when somebody else, a delete, has taken the server over. */
export async function mustBeOurs(d: ConductorDeps, task: ServerTask, c: StepContext, change: InstanceChange = {}) {
  const expected = { sagaId: c.sagaId }
  const isOurs = await d.store.instances.change(instanceId(task.instanceId), change, d.clock.now(), expected)
  if (!isOurs) throw InstanceChanged({ id: task.instanceId })
}

/** Shows what is done now. */
export const nowDoing = (d: ConductorDeps, task: ServerTask, c: StepContext, taskState: TaskState): Promise<void> =>
  mustBeOurs(d, task, c, { taskState })

export function hostOf({ id, host }: Instance): string {
  if (host === null) throw InstanceNotReady({ id })
  return host
}

/** What the hypervisor's side says about the image, beside what its record says since it was made. */
async function orderOf(d: ConductorDeps, instance: Instance, imageId: string): Promise<SnapshotOrder | undefined> {
  const { image, id, projectId } = instance
  const record = await d.images.get('service', imageId).catch(error => {
    if (ImageNotFound.is(error)) return undefined
    throw error
  })
  if (record === undefined) return undefined
  const encryption = await snapshotKeys(d, id, record)
  return {
    id,
    imageId,
    // An AMI is one in parts, whatever the disk became.
    diskFormat: image?.diskFormat === 'ami' ? 'ami' : null,
    containerFormat: image?.containerFormat ?? 'bare',
    requiresQuiesce: /^(1|t|true|on|y|yes)$/i.test(image?.properties['os_require_quiesce'] ?? ''),
    properties: { image_location: 'snapshot', image_state: 'available', owner_id: projectId },
    ...(encryption === undefined ? {} : { encryption }),
  }
}

/** Copies the disk into the image. False: the image was deleted meanwhile. */
export async function uploadDisk(d: ConductorDeps, task: SnapshotTask, c: StepContext): Promise<boolean> {
  const instance = await d.store.instances.get(task.instanceId)
  const order = await orderOf(d, instance, task.imageId)
  const upload = async (): Promise<boolean> => {
    if (order === undefined) return false
    const call = hostClient(d, hostOf(instance)).snapshot(order, { key: c.key, requestId: task.requestId })
    return (await unlessAborted(c.signal, call)).isUploaded
  }
  const isUploaded = await upload()
  if (!isUploaded)
    d.log.warn({ instance_id: task.instanceId, image_id: task.imageId }, 'the image was deleted meanwhile')
  return isUploaded
}

/** Ends the event, with a fault when it failed and the server is still ours. The vm_state is not touched. */
export async function settleSnapshot(
  task: ServerTask,
  event: string,
  outcome: Outcome,
  tx: Store,
  { sagaId, nowMs }: SettleContext,
): Promise<void> {
  if (outcome.status === 'done') return finishEvent(tx, nowMs, task, event)
  await finishEvent(tx, nowMs, task, event, outcome.failure)
  const instance = await tx.instances.find(instanceId(task.instanceId))
  if (instance?.sagaId === sagaId) await recordFault(tx, nowMs, task, outcome.failure, instance.host)
}

const ofImage = ({ input: { imageId } }: { readonly input: SnapshotTask }) => ({ imageId })

/** What others are told of an image of a server's disk. */
export const toldOfImage = {
  'after image': say('instance.snapshot.start', ofImage),
  done: say('instance.snapshot.end', ofImage),
} as const

/**
 * An image of a server's disk, up to the moment when it is there: the server goes on as before. Undone: the image's record
 * is gone. An image that its owner deletes meanwhile is no failure.
 */
export const imageSaga = <T extends SnapshotTask>(name: string, event: string, begins: TaskState) =>
  saga<ConductorDeps, T, Store>(name)
    .step(
      'image',
      async (s, d, c) => {
        const instance = await d.store.instances.get(s.input.instanceId)
        await startEvent(d.store, d.clock.now(), s.input, event, hostOf(instance))
        await nowDoing(d, s.input, c, begins)
      },
      (s, d) => removeSnapshot(d, s.input.imageId),
    )
    .step('copy', (s, d, c) => nowDoing(d, s.input, c, 'image_pending_upload'))
    .pivot('bits', async (s, d, c) => {
      await nowDoing(d, s.input, c, 'image_uploading')
      await uploadDisk(d, s.input, c)
    })
