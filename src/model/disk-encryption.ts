import type { DeviceDefinition, DeviceEncryption, DeviceEncryptionOptions } from './block-device.ts'
import { isLocal } from './block-device.ts'
import { type HardwareSource, isYes, pairOf } from './hardware/source.ts'
import type { InstanceImage } from './instance.ts'

/** Random bytes in the passphrase of a disk. */
export const passphraseBytes = 48

/** Nova's names of secrets in the key manager. */
export const diskKeyName = (instanceId: string, deviceId: string): string =>
  `Ephemeral encryption secret for instance ${instanceId} BDM ${deviceId}`
export const imageKeyName = (instanceId: string, uniqueName: string): string =>
  `Ephemeral encryption secret for image ${uniqueName} of instance ${instanceId}`

/** In the properties of an image whose contents are encrypted: what opens it. */
export const imageSecretProperty = 'hw_ephemeral_encryption_secret_uuid'

export const imageSecretOf = ({ properties }: Pick<InstanceImage, 'properties'>): string | undefined =>
  properties[imageSecretProperty]

/** What images of a server with an encrypted disk say, so that servers made of them have encrypted disks too. */
export const encryptedImageProperties = (secretId: string): Readonly<Record<string, string>> => ({
  hw_ephemeral_encryption: 'true',
  hw_ephemeral_encryption_format: 'luks',
  [imageSecretProperty]: secretId,
})

/** Whether flavor or image want local disks to be encrypted, and how. They agree by now. */
export function wantedEncryption(source: HardwareSource): DeviceEncryption | undefined {
  const either = (key: string) => {
    const { flavor, image } = pairOf(source, key)
    return flavor || image
  }
  const flag = either('ephemeral_encryption')
  if (flag === undefined || !isYes(flag)) return undefined
  return { format: either('ephemeral_encryption_format') ?? null, secretId: null, options: null }
}

/** `[ephemeral_storage_encryption] enabled`: local disks of all servers, whatever they ask for. */
export const encryptionForAll = (options: DeviceEncryptionOptions): DeviceEncryption => ({
  format: null,
  secretId: null,
  options,
})

/** Local disks, encrypted as wanted; volumes are the volume service's affair. */
export const withEncryption = <D extends DeviceDefinition>(
  devices: readonly D[],
  encryption: DeviceEncryption | undefined,
): readonly D[] =>
  encryption === undefined ? devices : devices.map(one => (isLocal(one) ? { ...one, encryption } : one))
