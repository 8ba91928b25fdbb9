/** The disks of POST /servers: two syntaxes, what the image and the flavor add, and whether all of it exists and fits. */
import type { Caller } from '#cloud'
import { type DeviceDefinition, type Flavor, type InstanceImage, isVolumeBacked } from '#model'
import type { ApiDeps } from '../../../deps.ts'
import { imageFor, mustFitRoot, mustHaveMemory } from '../create-image.ts'
import { bootImageOf } from './boot-source.ts'
import { checkedDevices, mustHoldImage } from './checks.ts'
import { CertificatesWithVolume, ImageRefMissing, ZeroDiskFlavor } from './faults.ts'
import { type AskedDevices, mappingOf } from './mapping.ts'

export { deviceFaults } from './faults.ts'
export { type AskedDevices, askedDevices } from './mapping.ts'

export interface Asking {
  readonly caller: Caller
  readonly flavor: Flavor
  readonly imageRef: string | undefined
  readonly asked: AskedDevices
  readonly isMany: boolean
  readonly hasCertificates: boolean
  /** 2.60. */
  readonly takesMultiattach: boolean
  /** May have a server on the host's disk with a flavor whose root disk is 0. */
  readonly mayGrowRoot: () => boolean
}

export interface BootDevices {
  /** Of imageRef. */
  readonly image: InstanceImage | null
  readonly bootImage: InstanceImage
  readonly devices: readonly DeviceDefinition[]
  /** The user's volumes that only one server may have. */
  readonly exclusiveVolumeIds: readonly string[]
  /** Zones of the user's volumes, one each. */
  readonly volumeZones: readonly string[]
}

async function sourceOf(deps: ApiDeps, { caller, imageRef, asked, hasCertificates }: Asking) {
  if (imageRef !== undefined && imageRef !== '') {
    const image = await imageFor(deps, caller, imageRef)
    return { image, bootImage: image }
  }
  if (asked.devices.length === 0) throw ImageRefMissing({})
  if (hasCertificates) throw CertificatesWithVolume({})
  return { image: null, bootImage: await bootImageOf(deps, caller, asked) }
}

/** From the words of the request to the disks of each server; sizes are known, nothing is taken yet. */
export async function bootDevicesFor(deps: ApiDeps, asking: Asking): Promise<BootDevices> {
  const { caller, flavor, asked, isMany, takesMultiattach } = asking
  const { image, bootImage } = await sourceOf(deps, asking)
  mustHaveMemory(bootImage, flavor)
  const imageId = image?.id ?? null
  const mapping = mappingOf({ asked, imageId, bootImage, flavor, isMany })
  if (isVolumeBacked(mapping)) mustHoldImage(mapping, bootImage)
  else {
    if (flavor.rootGiB === 0 && !asking.mayGrowRoot()) throw ZeroDiskFlavor({})
    mustFitRoot(bootImage, flavor)
  }
  const checked = await checkedDevices(deps, mapping, { caller, flavor, imageId, takesMultiattach })
  return { image, bootImage, ...checked }
}
