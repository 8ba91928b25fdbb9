import { operation, since } from '#api/kit'
import { type Caller, InvalidVolume, type Volume, VolumeAttachmentNotFound, VolumeNotFound } from '#cloud'
import type { BlockDevice, Instance } from '#model'
import { mustAllow } from '../../accept/task.ts'
import { acceptVolumeTask } from '../../accept/volume-task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { type Asking, mustNotBeAttached, mustShareZone } from './attach.ts'
import { beginDetaching } from './detach.ts'
import { ManyWriters, MappingNotFound, NewVolumeUnknown, NotMutable } from './faults.ts'
import { updateBody } from './shape.ts'

interface Wish {
  readonly volumeId: string
  readonly id?: string
  readonly serverId?: string
  readonly device?: string | null
  readonly tag?: string
  readonly delete_on_termination?: boolean
}

async function deviceOn(deps: ApiDeps, instance: Instance, volumeId: string): Promise<BlockDevice> {
  const device = (await deps.store.blockDevices.of(instance.id)).find(d => d.volumeId === volumeId)
  if (device === undefined) throw MappingNotFound({ volumeId })
  return device
}

/** Whether the volume goes with the server may change; everything else is only echoed. */
async function change(deps: ApiDeps, instance: Instance, volumeId: string, wish: Wish): Promise<void> {
  const device = await deviceOn(deps, instance, volumeId)
  const echoed: readonly (readonly [string, unknown, unknown])[] = [
    ['id', wish.id, volumeId],
    ['serverId', wish.serverId, instance.id],
    ['device', wish.device, device.deviceName],
    ['tag', wish.tag, device.tag],
  ]
  for (const [name, asked, is] of echoed) if (asked !== undefined && asked !== is) throw NotMutable({ name })
  const { delete_on_termination: deleteOnTermination } = wish
  if (deleteOnTermination !== undefined) await deps.store.blockDevices.change(device.id, { deleteOnTermination })
}

function mustBeSwappable(instance: Instance, old: Volume, fresh: Volume): void {
  const isOurs = old.attachments.some(a => a.serverId === instance.id)
  if (!isOurs) throw InvalidVolume({ reason: 'Old volume is attached to a different instance.' })
  if (fresh.attachments.length > 0) throw InvalidVolume({ reason: 'New volume must be detached in order to swap.' })
  if (fresh.sizeGiB < old.sizeGiB) throw InvalidVolume({ reason: 'New volume must be the same size or larger.' })
}

/** Attachments are for reading and writing unless they say otherwise. */
async function mustHaveOneWriter(deps: ApiDeps, old: Volume): Promise<void> {
  if (old.attachments.length < 2) return
  let writers = 0
  for (const { attachmentId } of old.attachments) {
    const found = await deps.volumes.getAttachment('service', attachmentId).catch((error: unknown) => {
      if (VolumeAttachmentNotFound.is(error)) return undefined
      throw error
    })
    if (found?.connection?.data['access_mode'] !== 'ro') writers++
  }
  if (writers > 1) throw ManyWriters({})
}

interface Swap {
  readonly old: Volume
  readonly fresh: Volume
  readonly instance: Instance
}

/** Cinder takes both volumes for the swap, or neither. */
async function holdBoth(deps: ApiDeps, caller: Caller, { old, fresh, instance }: Swap): Promise<void> {
  await beginDetaching(deps, caller, old)
  try {
    await mustHaveOneWriter(deps, old)
    await mustNotBeAttached(deps.store, fresh, instance.id)
    await deps.volumes.createAttachment(caller, { volumeId: fresh.id, serverId: instance.id })
  } catch (error) {
    await deps.volumes.rollDetaching('service', old.id)
    throw error
  }
}

/** The saga that puts one volume in the other's place; Cinder holds both. */
export async function acceptSwap(
  deps: ApiDeps,
  { caller, isAdmin: isAdminCaller, requestId }: Asking,
  { old, fresh, instance }: Swap,
): Promise<void> {
  const device = await deviceOn(deps, instance, old.id)
  await acceptVolumeTask(deps, caller, requestId, instance, isAdminCaller, {
    action: 'swapVolume',
    word: 'swap_volume',
    saga: 'volume-swap',
    prepare: async () => ({ deviceId: device.id, oldVolumeId: old.id, newVolumeId: fresh.id }),
    hold: () => holdBoth(deps, caller, { old, fresh, instance }),
    takeBack: async () => undefined,
  })
}

async function swap(deps: ApiDeps, asking: Asking, instance: Instance, ids: [string, string]) {
  const { caller } = asking
  const [oldVolumeId, newVolumeId] = ids
  const old = await deps.volumes.get(caller, oldVolumeId)
  const fresh = await deps.volumes.get(caller, newVolumeId).catch((error: unknown) => {
    if (VolumeNotFound.is(error)) throw NewVolumeUnknown({ id: newVolumeId }, { cause: error })
    throw error
  })
  mustAllow(instance, 'swapVolume', 'swap_volume', asking.isAdmin)
  mustBeSwappable(instance, old, fresh)
  await mustShareZone(deps, instance, fresh)
  await acceptSwap(deps, asking, { old, fresh, instance })
}

/**
 * Swaps the volume for another one: what Cinder asks for when it moves a volume. Since 2.85 the same address also changes
 * what is said about the volume, and a body that names the volume it addresses swaps nothing.
 */
export const update = operation<ApiDeps, { id: string; volumeId: string }>()({
  status: 202,
  policy: 'os_compute_api:os-volumes-attachments:swap',
  alsoPolicies: ['os_compute_api:os-volumes-attachments:update'],
  body: updateBody,
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    VolumeNotFound: 404,
    NewVolumeNotFound: 400,
    VolumeBDMNotFound: 404,
    InvalidVolume: 400,
    InvalidInput: 400,
    PropertyNotMutable: 400,
    MultiattachSwapVolumeNotSupported: 400,
    Forbidden: 403,
  },
  behaviours: { changes: since('2.85') },
  async handle({ path, body, caller, allow, behaves, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    const swaps = !behaves.changes || body.volumeId !== path.volumeId
    // Cinder asks for a swap with a project of its own.
    if (swaps) allow({})
    else allow(targetOf(instance), 'os_compute_api:os-volumes-attachments:update')
    if (behaves.changes) await change(deps, instance, path.volumeId, body)
    const asking = { caller, isAdmin: isAdmin(caller), requestId }
    if (swaps) await swap(deps, asking, instance, [path.volumeId, body.volumeId])
  },
})
