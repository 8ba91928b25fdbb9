import { anything, bare, obj, operation, reply, since, str, uuid } from '#api/kit'
import { declareFault } from '#base'
import { type Caller, ImageNotFound, instanceImageOf } from '#cloud'
import { type Instance, type InstanceImage, InstanceNotRescuable, isVolumeBacked, volumeImage } from '#model'
import { openImage } from '../../accept/disk-encryption.ts'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { accept, faults } from './actions.ts'
import { newPassword } from './create.ts'
import { mustHaveFacet } from './facet.ts'
import { findServer, isAdmin, targetOf } from './find.ts'
import { mustHoldVolumes } from './volumes-in-use.ts'

const op = operation<ApiDeps, { id: string }>()

export const UnsupportedRescueImage = declareFault(
  'UnsupportedRescueImage',
  'refused',
  (p: { id: string }) => `Requested rescue image '${p.id}' is not supported`,
)

/** The image asked for, else the operator's for this, else the server's own. One that is made of volume snapshots cannot be booted from. */
async function rescueImage(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  asked: string | undefined,
): Promise<InstanceImage> {
  const id = asked ?? deps.settings.rescueImageId ?? undefined
  // A root volume remembers the image it was made of.
  if (id === undefined) return instance.image ?? volumeImage(instance.systemMetadata)
  const image = await deps.images.get(caller, id).catch(error => {
    if (ImageNotFound.is(error)) throw UnsupportedRescueImage({ id }, { cause: error })
    throw error
  })
  if (image.properties['img_block_device_mapping'] !== undefined) throw UnsupportedRescueImage({ id })
  return instanceImageOf(image)
}

/** A root disk on a volume needs an image that takes a place of its own (since 2.87), and a host that can give it. */
async function mustBeRescuable(
  deps: ApiDeps,
  instance: Instance,
  image: InstanceImage,
  mayBeOnVolume: boolean,
): Promise<void> {
  if (!isVolumeBacked(await deps.store.blockDevices.of(instance.id))) return
  const { id } = instance
  const { hw_rescue_bus: bus, hw_rescue_device: device } = image.properties
  if (!mayBeOnVolume || bus === undefined || device === undefined)
    throw InstanceNotRescuable({ id, reason: 'Cannot rescue a volume-backed instance' })
  const nodes = await deps.store.computeNodes.list()
  const node = nodes.find(n => n.host === instance.host && n.description.hypervisorHostname === instance.node)
  const traits = node === undefined ? [] : await deps.placement.traits(node.uuid)
  if (!traits.includes('COMPUTE_RESCUE_BFV'))
    throw InstanceNotRescuable({ id, reason: 'Host unable to rescue a volume-backed instance' })
}

/** Boots the server from another image, with its own disk beside, for its owner to mend what keeps it from booting. */
export const rescue = op({
  policy: 'os_compute_api:os-rescue',
  body: bare(obj({ adminPass: str.optional(), rescue_image_ref: uuid.optional() }).nullable()),
  reply: reply(obj({ adminPass: str.optional() })),
  faults: {
    ...faults,
    UnsupportedRescueImage: 400,
    InstanceNotRescuable: 400,
    InvalidVolume: 409,
    VolumeNotFound: 404,
    NotImplemented: 501,
  },
  behaviours: { mayBeOnVolume: since('2.87') },
  async handle({ path, body, caller, allow, behaves, requestId }, deps) {
    const adminPassword = body?.adminPass ?? newPassword(deps.settings.passwordLength)
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'rescue', 'rescue', isAdmin(caller))
    const image = await rescueImage(deps, caller, instance, body?.rescue_image_ref)
    await openImage(deps, caller, image)
    await mustHoldVolumes(deps, instance.id)
    await mustBeRescuable(deps, instance, image, behaves.mayBeOnVolume)
    await mustHaveFacet(deps, instance, 'rescue')
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
      action: 'rescue',
      word: 'rescue',
      saga: 'server-rescue',
      input: { image },
      alsoWrite: tx => tx.launchSecrets.keep(instance.id, { adminPassword, files: [] }),
    })
    return deps.settings.showsAdminPassword ? { adminPass: adminPassword } : {}
  },
})

export const unrescue = op({
  status: 202,
  policy: 'os_compute_api:os-unrescue',
  body: bare(anything),
  faults: { ...faults, NotImplemented: 501 },
  handle: (context, deps) =>
    accept(context, deps, { action: 'unrescue', word: 'unrescue', saga: 'server-unrescue', input: {} }),
})
