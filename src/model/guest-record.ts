import { fromJson } from '#base'
import { volumeImage } from './block-device.ts'
import type { Instance, InstanceImage } from './instance.ts'

type SystemMetadata = Readonly<Record<string, string>>

/** Keys of the system metadata, as Nova names them: what the image says, and what a host has added to it. */
const imageKey = 'image_'
const addressesKey = 'device_addresses'

/** What hosts choose for images that say nothing, and must not choose again. */
const chosenNames = [
  'hw_machine_type',
  'hw_cdrom_bus',
  'hw_disk_bus',
  'hw_pointer_model',
  'hw_video_model',
  'hw_vif_model',
] as const

/** The image with what hosts have chosen where it says nothing. */
export function withChosenHardware(image: InstanceImage, systemMetadata: SystemMetadata): InstanceImage {
  const chosen = chosenNames.flatMap(name => {
    const value = systemMetadata[imageKey + name]
    return value === undefined || image.properties[name] !== undefined ? [] : [[name, value] as const]
  })
  return chosen.length === 0 ? image : { ...image, properties: { ...image.properties, ...Object.fromEntries(chosen) } }
}

/** Everything that is said of the machine of a server: by its image or that of its volume, and by its host. */
export const imagePropertiesOf = ({ image, systemMetadata }: Pick<Instance, 'image' | 'systemMetadata'>) =>
  withChosenHardware(image ?? volumeImage(systemMetadata), systemMetadata).properties

/** What to write so that these are its properties too, whatever was said of them before. */
export function withImageProperties(
  { image, systemMetadata }: Pick<Instance, 'image' | 'systemMetadata'>,
  properties: Readonly<Record<string, string>>,
): Pick<Instance, 'image' | 'systemMetadata'> {
  const kept = Object.entries(properties).map(([name, value]) => [imageKey + name, value] as const)
  return {
    image: image === null ? null : { ...image, properties: { ...image.properties, ...properties } },
    systemMetadata: { ...systemMetadata, ...Object.fromEntries(kept) },
  }
}

/** Where devices of the guest sit: by MAC, and by the disk's name (`vda`). */
export function deviceAddresses(systemMetadata: SystemMetadata): Readonly<Record<string, string>> {
  const kept = systemMetadata[addressesKey]
  return kept === undefined ? {} : fromJson(kept)
}

/** The system metadata with what a host tells of a guest; the same object when it says nothing new. */
export function withGuestRecord(
  systemMetadata: SystemMetadata,
  record: {
    readonly properties: Readonly<Record<string, string>>
    readonly addresses: Readonly<Record<string, string>>
  },
): SystemMetadata {
  const chosen = chosenNames.flatMap(name => {
    const value = record.properties[name]
    const key = imageKey + name
    return value === undefined || systemMetadata[key] !== undefined ? [] : [[key, value] as const]
  })
  const addresses = JSON.stringify(record.addresses)
  if (chosen.length === 0 && systemMetadata[addressesKey] === addresses) return systemMetadata
  return { ...systemMetadata, ...Object.fromEntries(chosen), [addressesKey]: addresses }
}
