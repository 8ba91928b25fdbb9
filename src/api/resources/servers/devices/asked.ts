import { type DeviceDefinition, type DeviceDestination, type DeviceSource, device, withDev } from '#model'
import { badFormat } from './faults.ts'

/** From the words of a request (or of an image's properties) to disks: one at a time, nothing looked up. */

/** A device in the old syntax, which only knows volumes, snapshots and blank disks by virtual names. */
export interface OldWords {
  readonly device_name?: string | null
  readonly virtual_name?: string | null
  readonly volume_id?: string | null
  readonly snapshot_id?: string | null
  readonly volume_size?: number | string | null
  readonly delete_on_termination?: boolean | string | null
  readonly no_device?: unknown
}

export interface NewWords extends OldWords {
  readonly source_type?: string | null
  readonly destination_type?: string | null
  readonly uuid?: string | null
  readonly image_id?: string | null
  readonly boot_index?: number | string | null
  readonly guest_format?: string | null
  readonly device_type?: string | null
  readonly disk_bus?: string | null
  readonly volume_type?: string | null
  readonly tag?: string | null
}

/** One disk as asked for; without a definition it only takes away what an image has under that name. */
export interface Asked {
  readonly name: string | null
  readonly definition: DeviceDefinition | undefined
}

function nameOf(words: OldWords): string | null {
  const name = words.device_name
  if (name === undefined || name === null) return null
  if (name === '' || name.length > 255) throw badFormat('Device name empty or too long.')
  if (name.includes(' ')) throw badFormat('Device name contains spaces.')
  return withDev(name)
}

const sizeOf = ({ volume_size }: OldWords): number | null =>
  volume_size === undefined || volume_size === null || volume_size === '' ? null : Number(volume_size)

const isYes = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && /^(1|t|true|on|y|yes)$/i.test(value))

const isSwapOrEphemeral = (name: string | null | undefined): name is string =>
  typeof name === 'string' && /^(swap|ephemeral(\d|[1-9]\d+))$/.test(name)

/** What is common to both syntaxes. */
const shared = (words: OldWords) => ({
  deviceName: nameOf(words),
  size: sizeOf(words),
  deleteOnTermination: isYes(words.delete_on_termination),
})

function oldDefinition(words: OldWords): DeviceDefinition | undefined {
  const { virtual_name: virtual, snapshot_id: snapshotId, volume_id: volumeId } = words
  if (isSwapOrEphemeral(virtual)) {
    const guestFormat = virtual === 'swap' ? 'swap' : null
    return device({ ...shared(words), source: 'blank', destination: 'local', guestFormat, deleteOnTermination: true })
  }
  const onVolume = { ...shared(words), destination: 'volume', volumeId: volumeId ?? null } as const
  if (snapshotId) return device({ ...onVolume, source: 'snapshot', snapshotId })
  if (volumeId) return device({ ...onVolume, source: 'volume', volumeId })
  if (words.no_device) return undefined
  throw badFormat('Unrecognized legacy format.')
}

export const askedOld = (words: OldWords): Asked => {
  const definition = oldDefinition(words)
  return { name: definition?.deviceName ?? nameOf(words), definition }
}

const bootIndexOf = ({ boot_index: given }: NewWords): number | null => {
  if (given === undefined || given === null || given === '') return null
  const index = Number(given)
  if (!Number.isInteger(index)) throw badFormat('Boot index is invalid.')
  return index
}

/** A volume is what volumes and snapshots become; an image or nothing stays on the host unless it is said. */
const destinationOf = (words: NewWords, source: DeviceSource): DeviceDestination =>
  words.destination_type === 'local' || words.destination_type === 'volume'
    ? words.destination_type
    : source === 'volume' || source === 'snapshot'
      ? 'volume'
      : 'local'

function newDefinition(words: NewWords, source: DeviceSource, uuid: string | null): DeviceDefinition {
  return device({
    ...shared(words),
    source,
    destination: destinationOf(words, source),
    imageId: source === 'image' ? uuid : (words.image_id ?? null),
    volumeId: source === 'volume' ? uuid : (words.volume_id ?? null),
    snapshotId: source === 'snapshot' ? uuid : (words.snapshot_id ?? null),
    bootIndex: bootIndexOf(words),
    diskBus: words.disk_bus ?? null,
    deviceType: words.device_type ?? null,
    guestFormat: words.guest_format ?? null,
    volumeType: words.volume_type ?? null,
    tag: words.tag ?? null,
  })
}

function mustGoTogether(words: NewWords, source: string | null | undefined, isImageGiven: boolean): void {
  const { uuid, destination_type: destination, volume_type: volumeType } = words
  if (source === 'blank' && uuid) throw badFormat('Invalid device UUID.')
  if (source !== 'blank' && !uuid) throw badFormat('Missing device UUID.')
  // The disk that a client puts beside the image it names is that image's own.
  const isImagesOwn = isImageGiven && bootIndexOf(words) === 0
  if (source === 'image' && destination === 'local' && !isImagesOwn)
    throw badFormat('Mapping image to local is not supported.')
  if (destination === 'local' && volumeType)
    throw badFormat('Specifying a volume_type with destination_type=local is not supported.')
  if (source === 'volume' && volumeType) throw badFormat('Specifying volume type to existing volume is not supported.')
}

const sources: readonly string[] = ['image', 'volume', 'snapshot', 'blank']

/** `isImageGiven`: the request has an imageRef, were it empty. */
export function askedNew(words: NewWords, isImageGiven: boolean): Asked {
  if (words.no_device) return { name: nameOf(words), definition: undefined }
  const { source_type: source } = words
  mustGoTogether(words, source, isImageGiven)
  if (typeof source !== 'string' || !sources.includes(source)) throw badFormat('Some required fields are missing')
  const definition = newDefinition(words, source as DeviceSource, words.uuid ?? null)
  return { name: definition.deviceName, definition }
}

/** An image's own definitions are in the new syntax with the ids under their names. */
export function askedByImage(words: NewWords): Asked {
  if (words.no_device) return { name: nameOf(words), definition: undefined }
  const { source_type: source } = words
  if (typeof source !== 'string' || !sources.includes(source)) throw badFormat('Some required fields are missing')
  const ids = { image: words.image_id, volume: words.volume_id, snapshot: words.snapshot_id, blank: null }
  const definition = newDefinition(words, source as DeviceSource, ids[source as DeviceSource] ?? null)
  return { name: definition.deviceName, definition }
}
