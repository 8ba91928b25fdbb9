import { declareFault } from '#base'
import { KeyForbidden, KeyNotFound, TokenInvalid } from '#cloud'
import { type BlockDevice, diskKeyName, imageSecretOf, passphraseBytes } from '#model'
import type { DiskEncryption, GuestDisk, GuestImage } from '#virt'
import type { ConductorDeps } from './deps.ts'

/*
 * Passphrases of encrypted local disks: one for each disk, for as long as the server is, wherever it goes. They are the
 * user's: made in the name of whoever asked for the server, and read in Nova's own when a guest starts, for a host that
 * comes back asks nobody. On the way to a host they are part of the spec, and stand nowhere else.
 */

type Deps = Pick<ConductorDeps, 'keys' | 'store' | 'log'>

const usualFormat = 'luks'

/** Every disk that is to be encrypted has its passphrase from now on. */
export async function giveDiskKeys(d: Deps, instanceId: string): Promise<void> {
  const open = (await d.store.blockDevices.of(instanceId)).filter(({ encryption }) => encryption?.secretId === null)
  if (open.length === 0) return
  const { creator } = (await d.store.launchSecrets.find(instanceId)) ?? {}
  for (const { id, encryption } of open) {
    if (encryption === undefined) continue
    const { id: secretId } = await d.keys.ensure(creator ?? 'service', diskKeyName(instanceId, id), passphraseBytes)
    const format = encryption.format ?? usualFormat
    await d.store.blockDevices.change(id, { encryption: { ...encryption, format, secretId } })
  }
}

/** Of a server that is deleted, after its disks. One that the key manager does not let go of is left to its owner. */
export async function forgetDiskKeys(d: Deps, instanceId: string): Promise<void> {
  const { creator } = (await d.store.launchSecrets.find(instanceId)) ?? {}
  for (const { encryption } of await d.store.blockDevices.of(instanceId)) {
    const secretId = encryption?.secretId ?? null
    if (secretId !== null) await removeKey(d, creator ?? 'service', secretId, { instance_id: instanceId })
  }
}

/** One that Nova has made. */
export async function removeKey(
  d: Pick<Deps, 'keys' | 'log'>,
  as: Parameters<Deps['keys']['remove']>[0],
  secretId: string,
  ids: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await d.keys.remove(as, secretId)
  } catch (error) {
    if (!KeyForbidden.is(error) && !TokenInvalid.is(error)) throw error
    d.log.warn({ ...ids, secret_id: secretId, err: error }, 'a secret of an encrypted disk is left')
  }
}

/** A disk that should be encrypted is never made without. */
export const DiskKeyMissing = declareFault(
  'EphemeralEncryptionSecretNotFound',
  'final',
  (p: { id: string }) => `There is no encryption secret for block device mapping ${p.id}.`,
)

/** What is known of a disk's encryption; the passphrase comes later. */
export function diskEncryption({ id, encryption }: BlockDevice): DiskEncryption | undefined {
  if (encryption === undefined) return undefined
  if (encryption.secretId === null) throw DiskKeyMissing({ id })
  return { format: usualFormat, secretId: encryption.secretId, ...encryption.options }
}

const opened = async (d: Pick<Deps, 'keys'>, encryption: DiskEncryption): Promise<DiskEncryption> => {
  const { secret } = await d.keys.get('service', encryption.secretId)
  return { ...encryption, base64: Buffer.from(secret).toString('base64') }
}

export async function withDiskKeys(d: Pick<Deps, 'keys'>, disks: readonly GuestDisk[]): Promise<readonly GuestDisk[]> {
  const told: GuestDisk[] = []
  for (const disk of disks) {
    const { encryption } = disk
    told.push(encryption === undefined ? disk : { ...disk, encryption: await opened(d, encryption) })
  }
  return told
}

/**
 * With what opens an encrypted image. A guest that has its disk needs the image no more, so a passphrase that is gone, with
 * the image perhaps, is missed by whoever really wants to read it.
 */
export async function withImageKey(d: Pick<Deps, 'keys'>, image: GuestImage): Promise<GuestImage> {
  const secretId = imageSecretOf(image)
  if (secretId === undefined) return image
  const encryption: DiskEncryption = { format: usualFormat, secretId }
  try {
    return { ...image, encryption: await opened(d, encryption) }
  } catch (error) {
    if (!KeyNotFound.is(error) && !KeyForbidden.is(error)) throw error
    return { ...image, encryption }
  }
}

/** What opens the root disk, and what shall open the image that is made of it; undefined: it is not encrypted. */
export async function snapshotKeys(
  d: Pick<Deps, 'keys' | 'store'>,
  instanceId: string,
  image: Parameters<typeof imageSecretOf>[0],
): Promise<{ readonly disk: DiskEncryption; readonly copy: DiskEncryption } | undefined> {
  const root = (await d.store.blockDevices.of(instanceId)).find(({ bootIndex }) => bootIndex === 0)
  const disk = root === undefined ? undefined : diskEncryption(root)
  const secretId = imageSecretOf(image)
  if (disk === undefined || secretId === undefined) return undefined
  const { cipher, keyBits } = disk
  const shape = cipher === undefined || keyBits === undefined ? {} : { cipher, keyBits }
  return { disk: await opened(d, disk), copy: await opened(d, { format: usualFormat, secretId, ...shape }) }
}
