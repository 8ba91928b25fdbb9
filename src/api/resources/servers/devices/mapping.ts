import type { InstanceImage } from '#model'
import { type DeviceDefinition, type Flavor, flavorDevices, imageDevice, isRootDevice, withDev } from '#model'
import { type Asked, askedByImage, askedNew, askedOld, type NewWords, type OldWords } from './asked.ts'
import { ManyServersOneVolume, RootNameTaken, TwoSyntaxes } from './faults.ts'

/** The disks of the request's two syntaxes; at most one of them is used. */
export interface AskedDevices {
  readonly isOld: boolean
  readonly devices: readonly Asked[]
}

export function askedDevices(body: {
  readonly block_device_mapping?: readonly OldWords[]
  readonly block_device_mapping_v2?: readonly NewWords[]
  readonly imageRef?: string
}): AskedDevices {
  const [old, fresh] = [body.block_device_mapping ?? [], body.block_device_mapping_v2 ?? []]
  if (old.length > 0 && fresh.length > 0) throw TwoSyntaxes({})
  if (fresh.length > 0)
    return { isOld: false, devices: fresh.map(words => askedNew(words, body.imageRef !== undefined)) }
  return { isOld: true, devices: old.map(askedOld) }
}

const withBoot = (asked: Asked, bootIndex: number | null): Asked =>
  asked.definition === undefined ? asked : { ...asked, definition: { ...asked.definition, bootIndex } }

const isFromSomething = ({ definition }: Asked): boolean => definition !== undefined && definition.source !== 'blank'

/** The old syntax has no boot order: the disk with the root's name is the root, else the image, else the first with content. */
function bootOrder(devices: readonly Asked[], imageId: string | null, rootName: string | null): readonly Asked[] {
  if (imageId === null && rootName === null) {
    const first = devices.find(isFromSomething)
    return devices.map(d => (d === first ? withBoot(d, 0) : d))
  }
  const isRoot = (d: Asked) => isFromSomething(d) && rootName !== null && d.name === rootName
  const ordered = devices.map(d => withBoot(d, isRoot(d) ? 0 : -1))
  if (imageId === null || devices.some(isRoot)) return ordered
  return [{ name: null, definition: imageDevice(imageId) }, ...ordered]
}

const listIn = (text: string | undefined): readonly NewWords[] => {
  if (text === undefined || text === '') return []
  try {
    const found: unknown = JSON.parse(text)
    return Array.isArray(found) ? found : []
  } catch {
    return []
  }
}

interface VirtualWords {
  readonly virtual: string
  readonly device: string
  readonly guest_format?: string
}

/** Swap and ephemeral disks that an image names in Amazon's way. */
function virtualDevices(text: string | undefined, flavor: Flavor): readonly Asked[] {
  return (listIn(text) as unknown as readonly VirtualWords[]).flatMap(({ virtual, device, guest_format }) => {
    const isSwapDisk = virtual === 'swap'
    const size = isSwapDisk ? flavor.swapMiB : flavor.ephemeralGiB
    if ((!isSwapDisk && !/^ephemeral\d+$/.test(virtual)) || size === 0) return []
    const words = {
      source_type: 'blank',
      destination_type: 'local',
      device_type: 'disk',
      device_name: device,
      boot_index: -1,
      volume_size: size,
      delete_on_termination: true,
      guest_format: isSwapDisk ? 'swap' : (guest_format ?? null),
    }
    return [askedByImage(words)]
  })
}

/** What of the second list has no counterpart of the same name in the first, which wins. */
const merged = (winning: readonly Asked[], losing: readonly Asked[]): readonly Asked[] => {
  const names = new Set(winning.flatMap(d => (d.name === null ? [] : [d.name])))
  return [...winning, ...losing.filter(d => d.name === null || !names.has(d.name))]
}

/** Disks that the image defines: snapshots of volume-backed servers are images that consist of nothing else. */
function imagesDevices(image: InstanceImage, flavor: Flavor, rootName: string): readonly Asked[] {
  const { block_device_mapping: defined, bdm_v2: isNew, mappings } = image.properties
  const words = listIn(defined)
  const own = /^(1|t|true|on|y|yes)$/i.test(isNew ?? '')
    ? words.map(askedByImage)
    : bootOrder(words.map(askedOld), null, rootName)
  return merged(own, virtualDevices(mappings, flavor))
}

export interface MappingOf {
  readonly asked: AskedDevices
  /** The image of imageRef, and what the server boots from: that image, or what the root volume has kept of one. */
  readonly imageId: string | null
  readonly bootImage: InstanceImage
  readonly flavor: Flavor
  readonly isMany: boolean
}

function mustLeaveRootName(asked: readonly Asked[], rootName: string): void {
  for (const { name, definition } of asked) {
    if (definition?.destination === 'volume' && name === withDev(rootName)) throw RootNameTaken({ name: rootName })
  }
}

/** All disks of a server: asked for, defined by the image, and those of the flavor. Still nothing is known to exist. */
export function mappingOf({ asked, imageId, bootImage, flavor, isMany }: MappingOf): readonly DeviceDefinition[] {
  const said = bootImage.properties['root_device_name']
  const plainRoot = (said ?? 'vda').replace(/^\/dev\//, '')
  const rootName = withDev(plainRoot)
  if (imageId !== null && !asked.isOld) mustLeaveRootName(asked.devices, plainRoot)
  const byImage = imagesDevices(bootImage, flavor, rootName)
  const imageHasRoot = byImage.some(d => d.definition !== undefined && isRootDevice(d.definition))
  let own = asked.devices
  if (asked.isOld) own = imageHasRoot ? own.map(d => withBoot(d, -1)) : bootOrder(own, imageId, rootName)
  // A client puts the image beside its disks; an image that has its own root disk is not a disk itself.
  else if (imageHasRoot) own = own.filter(d => d.definition?.source !== 'image' || !isRootDevice(d.definition))
  const all = merged(own, byImage).flatMap(d => (d.definition === undefined ? [] : [d.definition]))
  if (isMany && all.some(d => d.source === 'volume')) throw ManyServersOneVolume({})
  return [...all, ...flavorDevices(flavor, all)]
}
