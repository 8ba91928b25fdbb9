import { always, obj, operation, reply, since } from '#api/kit'
import { type Caller, InvalidVolume, type Volume } from '#cloud'
import { type DeviceDefinition, device, deviceNameFor, type Instance, InstanceInvalidState } from '#model'
import { type Store, turnOf } from '#store'
import { mustAllow } from '../../accept/task.ts'
import { acceptVolumeTask } from '../../accept/volume-task.ts'
import { holdVolume } from '../../accept/volumes.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { zoneOf } from '../servers/view.ts'
import { DevicePathInUse, MultiattachTooEarly, MultiattachToShelved, TagToShelved, TooManyDisks } from './faults.ts'
import { attachBody, attached } from './shape.ts'

export interface Wish {
  readonly volume: Volume
  readonly deviceName: string | null
  readonly tag: string | null
  readonly deleteOnTermination: boolean
}

/** Shelved servers take volumes since 2.20; before, that is a state like any other that refuses. */
export function mustTakeShelved(instance: Instance, takesShelved: boolean, action: string): void {
  const { id, vmState } = instance
  if ((vmState === 'shelved' || vmState === 'shelved_offloaded') && !takesShelved)
    throw InstanceInvalidState({ action, id, attr: 'vm_state', state: vmState })
}

/** A volume is attached once, and to one server only unless it is made for more. */
export async function mustNotBeAttached(tx: Store, volume: Volume, instanceId: string): Promise<void> {
  await tx.turn(turnOf.volume(volume.id))
  const devices = await tx.blockDevices.ofVolume(volume.id)
  if (devices.length === 0) return
  if (!volume.isMultiattach) {
    const servers = devices.map(d => d.instanceId).join(' ')
    throw InvalidVolume({ reason: `volume ${volume.id} is already attached to instances: ${servers}` })
  }
  if (devices.some(d => d.instanceId === instanceId))
    throw InvalidVolume({ reason: `volume ${volume.id} already attached` })
}

/** An offloaded server has no host that could say what it can do, and no name is chosen before there is one. */
function definitionFor(wish: Wish, name: string | null): DeviceDefinition {
  const { volume, tag, deleteOnTermination } = wish
  return device({
    source: 'volume',
    destination: 'volume',
    volumeId: volume.id,
    size: volume.sizeGiB,
    deviceName: name,
    tag,
    deleteOnTermination,
  })
}

async function chosenName(tx: Store, deps: ApiDeps, instance: Instance, asked: string | null): Promise<string | null> {
  const devices = await tx.blockDevices.of(instance.id)
  const { maxDiskDevices } = deps.settings
  if (maxDiskDevices >= 0 && devices.length + 1 > maxDiskDevices) throw TooManyDisks({ maximum: maxDiskDevices })
  if (instance.vmState === 'shelved_offloaded') return null
  const used = devices.flatMap(d => (d.deviceName === null ? [] : [d.deviceName]))
  const name = deviceNameFor(used, instance.rootDeviceName ?? '/dev/vda', asked)
  if (name === undefined) throw DevicePathInUse({ path: asked ?? '' })
  return name
}

/** Where the operator keeps servers and volumes of different zones apart. */
export async function mustShareZone(deps: ApiDeps, instance: Instance, volume: Volume): Promise<void> {
  if (deps.settings.mixesZones) return
  const zone = zoneOf(deps, instance, await deps.store.aggregates.zones())
  if (zone === volume.availabilityZone) return
  throw InvalidVolume({
    reason: `Instance ${instance.id} and volume ${volume.id} are not in the same availability_zone. Instance is in ${zone}. Volume is in ${volume.availabilityZone}`,
  })
}

function mustFitServer(instance: Instance, wish: Wish, takesMultiattach: boolean): void {
  if (instance.vmState === 'shelved_offloaded') {
    if (wish.tag !== null) throw TagToShelved({})
    if (wish.volume.isMultiattach) throw MultiattachToShelved({})
  }
  if (wish.volume.isMultiattach && !takesMultiattach) throw MultiattachTooEarly({})
}

export interface Asking {
  readonly caller: Caller
  readonly isAdmin: boolean
  readonly requestId: string
}

/** The rows of a new disk and the saga for it; Cinder holds the volume. Returns the disk's name. */
export async function acceptAttach(
  deps: ApiDeps,
  { caller, isAdmin: isAdminCaller, requestId }: Asking,
  instance: Instance,
  wish: Wish,
): Promise<string | null> {
  let [deviceId, name] = ['', null as string | null]
  await acceptVolumeTask(deps, caller, requestId, instance, isAdminCaller, {
    action: 'attachVolume',
    word: 'attach_volume',
    saga: 'volume-attach',
    prepare: async tx => {
      await mustNotBeAttached(tx, wish.volume, instance.id)
      name = await chosenName(tx, deps, instance, wish.deviceName)
      const [id = ''] = await tx.blockDevices.add(instance.id, [definitionFor(wish, name)], deps.clock.now())
      deviceId = id
      return { deviceId }
    },
    hold: async () => {
      const row = await deps.store.blockDevices.find(deviceId)
      if (row !== undefined) await holdVolume(deps, caller, row)
    },
    takeBack: tx => tx.blockDevices.remove(deviceId),
  })
  return name
}

/** Attaches a volume: answered as soon as Cinder holds it for the server, done by a saga. */
export const attach = operation<ApiDeps, { id: string }>()({
  status: always(200).since('2.101', 202),
  policy: 'os_compute_api:os-volumes-attachments:create',
  body: attachBody,
  // From 2.101 on nothing is told, because nothing need be known yet.
  reply: reply(obj({ volumeAttachment: attached }).until('2.101')),
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    VolumeNotFound: 404,
    InvalidVolume: 400,
    InvalidInput: 400,
    Forbidden: 403,
    VolumeConflict: 409,
    OverQuota: 403,
    DevicePathInUse: 409,
    TooManyDiskDevices: 403,
    MultiattachNotSupportedOldMicroversion: 400,
    MultiattachToShelvedNotSupported: 400,
    VolumeTaggedAttachToShelvedNotSupported: 400,
  },
  behaviours: { takesShelved: since('2.20'), takesMultiattach: since('2.60') },
  async handle({ path, body, caller, allow, behaves, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustTakeShelved(instance, behaves.takesShelved, 'attach_volume')
    mustAllow(instance, 'attachVolume', 'attach_volume', isAdmin(caller))
    const volume = await deps.volumes.get(caller, body.volumeId)
    const deleteOnTermination = body.delete_on_termination ?? false
    const wish = { volume, deviceName: body.device ?? null, tag: body.tag ?? null, deleteOnTermination }
    await mustNotBeAttached(deps.store, volume, instance.id)
    mustFitServer(instance, wish, behaves.takesMultiattach)
    await mustShareZone(deps, instance, volume)
    const name = await acceptAttach(deps, { caller, isAdmin: isAdmin(caller), requestId }, instance, wish)
    return {
      volumeAttachment: {
        id: volume.id,
        volumeId: volume.id,
        serverId: instance.id,
        device: name,
        tag: wish.tag,
        delete_on_termination: deleteOnTermination,
      },
    }
  },
})
