import { newUuid } from '#base'
import { type Caller, KeyForbidden, KeyNotFound } from '#cloud'
import {
  type BlockDevice,
  type DeviceEncryption,
  encryptedImageProperties,
  encryptionForAll,
  type Flavor,
  type Instance,
  type InstanceImage,
  InvalidHardwareRequest,
  imageKeyName,
  imageSecretOf,
  isLocal,
  passphraseBytes,
  rootDevice,
  wantedEncryption,
} from '#model'
import type { ApiDeps } from '../deps.ts'

const refuse = (text: string) => InvalidHardwareRequest({ text })

/** How the local disks of a new server are encrypted: as flavor or image ask, or as the operator has it for all. */
export function encryptionFor(deps: ApiDeps, flavor: Flavor, image: InstanceImage): DeviceEncryption | undefined {
  const { encryptsDisks } = deps.settings
  const wanted = wantedEncryption({ flavor, image })
  if (encryptsDisks === undefined) return wanted
  return { ...encryptionForAll(encryptsDisks), format: wanted?.format ?? null }
}

/** What a server is, it stays: nobody encrypts its disks later, and who asks for that must not believe it. */
export function mustStayAsEncrypted(devices: readonly BlockDevice[], flavor: Flavor, image: InstanceImage): void {
  if (wantedEncryption({ flavor, image }) === undefined) return
  if (devices.some(device => isLocal(device) && device.encryption === undefined))
    throw refuse('The disks of a server cannot become encrypted. Create a new server from an image of this one.')
}

/**
 * An encrypted image is opened by a passphrase that its user may read. The guest is made when he is not there to ask any
 * more, so that Nova is allowed to read it now.
 */
export async function openImage(deps: ApiDeps, caller: Caller, image: InstanceImage): Promise<void> {
  const secretId = imageSecretOf(image)
  if (secretId === undefined) return
  try {
    await deps.keys.share(caller, secretId)
  } catch (error) {
    if (!KeyNotFound.is(error) && !KeyForbidden.is(error)) throw error
    throw refuse(`Image ${image.id} is encrypted, and its secret ${secretId} cannot be read: ${error.message}`)
  }
}

/** What an image of a server says of its encryption, and how to take back what was made for it. */
export interface ImageLock {
  readonly properties: Readonly<Record<string, string>>
  undo(): Promise<void>
}

const open: ImageLock = { properties: {}, undo: async () => undefined }

/**
 * Of a server with an encrypted disk: a passphrase of its own, of whoever asks. What is only put away keeps that of the
 * disk: the server's owner must be able to take it back from the shelf, whoever put it there.
 */
export async function lockImage(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  { isPutAway }: { readonly isPutAway: boolean },
): Promise<ImageLock> {
  const encryption = rootDevice(await deps.store.blockDevices.of(instance.id))?.encryption
  if (encryption === undefined) return open
  if (isPutAway) return { ...open, properties: encryptedImageProperties(encryption.secretId ?? '') }
  const { id } = await deps.keys.ensure(caller, imageKeyName(instance.id, newUuid()), passphraseBytes)
  return { properties: encryptedImageProperties(id), undo: () => deps.keys.remove(caller, id) }
}
