import { type Instance, type InstanceImage, tpmOf } from '#model'
import type { GuestDisk, GuestSpec } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { withDiskKeys, withImageKey } from './disk-keys.ts'

/** Nova's length: what the key manager makes for a TPM. */
const tpmSecretBytes = 48

const tpmKey = (instanceId: string): string => `vtpm of instance ${instanceId}`

/** What opens the TPM's state, for a guest that has one; the same for as long as the server is, wherever it goes. */
export async function tpmSecretOf(
  d: Pick<ConductorDeps, 'keys'>,
  instance: Instance,
  image: InstanceImage,
): Promise<Pick<GuestSpec, 'tpmSecret'>> {
  if (tpmOf({ flavor: instance.flavor, image }) === undefined) return {}
  const { id, secret } = await d.keys.ensure('service', tpmKey(instance.id), tpmSecretBytes)
  return { tpmSecret: { id, base64: Buffer.from(secret).toString('base64') } }
}

/** Of a server that is deleted. */
export const forgetTpmSecret = (d: Pick<ConductorDeps, 'keys'>, instanceId: string): Promise<void> =>
  d.keys.forget('service', tpmKey(instanceId))

/** With what opens its disks and its image, which goes to the host and stands nowhere else. */
export const withKeys = async (d: Pick<ConductorDeps, 'keys'>, spec: GuestSpec): Promise<GuestSpec> => ({
  ...spec,
  image: await withImageKey(d, spec.image),
  disks: await withDiskKeys(d, await withVolumeKeys(d, spec.disks)),
})

/** With the keys of encrypted volumes. */
async function withVolumeKeys(
  d: Pick<ConductorDeps, 'keys'>,
  disks: readonly GuestDisk[],
): Promise<readonly GuestDisk[]> {
  const opened: GuestDisk[] = []
  for (const disk of disks) opened.push(await withVolumeKey(d, disk))
  return opened
}

export async function withVolumeKey(d: Pick<ConductorDeps, 'keys'>, disk: GuestDisk): Promise<GuestDisk> {
  const { volume } = disk
  if (volume?.encryption === undefined) return disk
  const { secret } = await d.keys.get('service', volume.encryption.keyId)
  const encryption = { ...volume.encryption, base64: Buffer.from(secret).toString('base64') }
  return { ...disk, volume: { ...volume, encryption } }
}
