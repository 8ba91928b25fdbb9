import type { Caller, Image, NewImage } from '#cloud'
import { type Instance, imageSecretProperty, withChosenHardware } from '#model'
import type { ApiDeps } from '../deps.ts'
import { type ImageLock, lockImage } from './disk-encryption.ts'

/** Never inherited, whatever the operator says: they belong to the bits of the old image. */
const boundToBits = new Set([
  'cinder_encryption_key_id',
  'cinder_encryption_key_deletion_policy',
  imageSecretProperty,
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
  // Large, and about the old disks.
  'mappings',
  'block_device_mapping',
  'img_mappings',
  'img_block_device_mapping',
])
const reservedNamespace = 'os_glance'
/** Of the server's record, what images of it tell too. */
const told = ['owner_user_name', 'owner_project_name', 'boot_roles']
const longestValue = 255

export interface AskedImage {
  readonly name: string
  readonly type: 'snapshot' | 'backup'
  /** The user's own; they win over all others. */
  readonly extra: Readonly<Record<string, string>>
  /** It is the server's disk that is put away, not a copy of it. */
  readonly isPutAway?: true
}

const isUnset = (value: string): boolean => ['none', ''].includes(value.trim().toLowerCase())

/** What the server's image says, as far as an image of the server says it too. */
export function inheritedProperties(deps: ApiDeps, instance: Instance): Record<string, string> {
  const { systemMetadata } = instance
  // What hosts have chosen for the server, its machine type above all, is what its copies must find again.
  const image = instance.image === null ? null : withChosenHardware(instance.image, systemMetadata)
  const own = told.flatMap(key => (systemMetadata[key] === undefined ? [] : [[key, systemMetadata[key]] as const]))
  const properties = {
    ...Object.fromEntries(own),
    ...(image === null ? {} : { base_image_ref: image.id, ...image.properties }),
  }
  const refused = new Set(deps.settings.nonInheritableImageProperties)
  const kept = Object.entries(properties).filter(
    ([name, value]) =>
      !refused.has(name) &&
      !boundToBits.has(name) &&
      !name.startsWith(reservedNamespace) &&
      !((name === 'kernel_id' || name === 'ramdisk_id') && isUnset(value)),
  )
  return Object.fromEntries(kept.map(([name, value]) => [name, value.slice(0, longestValue)]))
}

/** A disk that has grown to its flavor's size needs as much again. */
const minDisk = ({ image, flavor }: Instance): number =>
  image?.diskFormat === 'vhd' ? flavor.rootGiB : Math.max(image?.minDiskGiB ?? 0, flavor.rootGiB)

const wanted = (
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  asked: AskedImage,
  lock: ImageLock['properties'],
): NewImage => ({
  name: asked.name,
  visibility: caller.projectId === instance.projectId ? 'private' : 'shared',
  // The hypervisor knows what a snapshot will be; a backup is what its image was.
  diskFormat: asked.type === 'backup' ? (instance.image?.diskFormat ?? null) : null,
  containerFormat: asked.type === 'backup' ? (instance.image?.containerFormat ?? null) : null,
  minDiskGiB: minDisk(instance),
  minRamMiB: instance.image?.minRamMiB ?? 0,
  properties: {
    ...inheritedProperties(deps, instance),
    instance_uuid: instance.id,
    user_id: caller.userId,
    image_type: asked.type,
    ...asked.extra,
    ...lock,
  },
})

/** Makes a record and, for a server of another project, lets that project use the image. */
export async function createOwned(deps: ApiDeps, caller: Caller, instance: Instance, image: NewImage): Promise<Image> {
  const made = await deps.images.create(caller, image)
  if (image.visibility === 'shared') await deps.images.share(caller, made.id, instance.projectId)
  return made
}

/**
 * The record of an image of a server, with the rights of whoever asks, and then what it is for; if that is refused, the
 * record is gone again.
 */
export async function withNewImage(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  asked: AskedImage,
  accept: (image: Image) => Promise<void>,
): Promise<Image> {
  const lock = await lockImage(deps, caller, instance, { isPutAway: asked.isPutAway === true })
  let image: Image | undefined
  try {
    image = await createOwned(deps, caller, instance, wanted(deps, caller, instance, asked, lock.properties))
    await accept(image)
    return image
  } catch (error) {
    const left = (what: string) => (failure: unknown) =>
      deps.log.warn({ image_id: image?.id, err: failure }, `${what} of a refused snapshot is left`)
    await lock.undo().catch(left('secret'))
    if (image !== undefined) await deps.images.remove('service', image.id).catch(left('record'))
    throw error
  }
}
