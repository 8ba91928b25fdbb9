import { ImageRefused } from '../../faults.ts'
import type { GuestImage } from '../../guest-spec.ts'
import { passphraseOf } from '../disks/disk-key.ts'
import type { Storage } from '../disks/storage.ts'
import { inspectAsFixedVhd, inspectImage } from './image-format.ts'
import type { ImageFormat, ImageInspection } from './image-inspection.ts'
import { keyedQemuImg } from './keyed-qemu-img.ts'

/** The formats a root disk is made from, and what qemu-img calls them. */
const readable: Readonly<Partial<Record<ImageFormat, string>>> = {
  raw: 'raw',
  qcow2: 'qcow2',
  iso: 'raw',
  gpt: 'raw',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
}
/** Amazon's word for a file system without a boot loader: a raw disk whose kernel is an image of its own. */
const bootless = 'ami'

export const qemuNameOf = (format: ImageFormat): string => readable[format] ?? format

/** What QEMU takes for a raw disk when nobody tells it. */
const looksRaw: ReadonlySet<ImageFormat> = new Set(['raw', 'iso', 'gpt'])

const refusal = (image: GuestImage, reason: string, detail?: string): Error =>
  ImageRefused({ id: image.id, reason }, detail === undefined ? {} : { detail })

/** `disk_format` of the images that this host takes. */
export const acceptedFormats = ({ excludedFormats, vmdkTypes }: Storage): readonly string[] =>
  [...Object.keys(readable), bootless].filter(
    format => format !== 'gpt' && !excludedFormats.includes(format) && (format !== 'vmdk' || vmdkTypes.length > 0),
  )

/** Said before anything is fetched. */
export function refuseUnsupported(image: GuestImage, storage: Storage): void {
  const { diskFormat, containerFormat } = image
  if (containerFormat !== 'bare' && containerFormat !== bootless)
    throw refusal(image, `container format ${containerFormat} is not supported by this host`)
  const isKnown = diskFormat === bootless || Object.hasOwn(readable, diskFormat)
  if (!isKnown || storage.excludedFormats.includes(diskFormat))
    throw refusal(image, `disk format ${diskFormat} is not supported by this host`)
}

/** A disk with a partition table is a raw one, however the image service calls it. */
const isSame = (found: ImageFormat, said: string): boolean =>
  found === said || (looksRaw.has(found) && found !== 'iso' && (said === 'raw' || said === 'gpt' || said === bootless))

async function inspectAsSaid(image: GuestImage, path: string, storage: Storage): Promise<ImageInspection> {
  const inspection = await inspectImage(path, storage.vmdkTypes)
  if (image.diskFormat !== 'vhd' || !looksRaw.has(inspection.format)) return inspection
  return (await inspectAsFixedVhd(path)) ?? inspection
}

/** Reads what the file really is before any tool that follows its pointers touches it. */
export async function inspectFor(image: GuestImage, path: string, storage: Storage): Promise<ImageInspection> {
  const inspection = await inspectAsSaid(image, path, storage)
  if (!isSame(inspection.format, image.diskFormat))
    throw refusal(image, `its content is ${inspection.format}, but its disk_format says ${image.diskFormat}`)
  if (inspection.refusal !== undefined) throw refusal(image, inspection.refusal)
  mustAgreeOnEncryption(image, inspection)
  if (inspection.format === 'qcow2') await checkQcow2(image, path, storage)
  return inspection
}

/** What lies encrypted needs its passphrase, and what has one must not turn out to lie open. */
export function mustAgreeOnEncryption(image: GuestImage, { isEncrypted }: Pick<ImageInspection, 'isEncrypted'>): void {
  const hasPassphrase = image.encryption !== undefined
  if (isEncrypted === true && !hasPassphrase) throw refusal(image, 'it is encrypted')
  if (isEncrypted !== true && hasPassphrase) throw refusal(image, 'it should be encrypted, and is not')
}

const leaksOnly = 3

async function checkQcow2(image: GuestImage, path: string, { inspectionLimits }: Storage): Promise<void> {
  const disk = { path, format: 'qcow2', passphrase: passphraseOf(image.encryption) } as const
  const result = await keyedQemuImg('check', [disk], ([name = '']) => ['--image-opts', name], inspectionLimits)
  if (result.exitCode === 0 || result.exitCode === leaksOnly) return
  throw refusal(image, 'it is corrupt: qemu-img check found errors', `${result.stdout}\n${result.stderr}`)
}

/** An image within the image would be taken for the outer one by whoever looks at the disk without being told. */
export async function mustBeRaw(image: GuestImage, path: string): Promise<void> {
  const { format } = await inspectImage(path, [])
  if (!looksRaw.has(format)) throw refusal(image, `it could not be unpacked: what comes out of it is ${format} again`)
}
