import { element, type XmlElement } from './element.ts'
import type { Family, SevSupport } from './host.ts'
import { flavorOrImage, isTrue, type Wishes } from './properties.ts'

/** `hw:mem_encryption_model`: what is encrypted, and whether the guest is proved to its owner. */
export type EncryptionModel = 'amd-sev' | 'amd-sev-es' | 'amd-sev-snp'

const models: readonly EncryptionModel[] = ['amd-sev', 'amd-sev-es', 'amd-sev-snp']

/** Undefined: the guest asks for none. */
export function memoryEncryptionOf(wishes: Wishes): EncryptionModel | undefined {
  if (!isTrue(flavorOrImage(wishes, 'hw:mem_encryption', 'hw_mem_encryption'), false)) return undefined
  const asked = flavorOrImage(wishes, 'hw:mem_encryption_model', 'hw_mem_encryption_model')
  return models.find(model => model === asked) ?? 'amd-sev'
}

/**
 * Bits of the policy of AMD's SEV API (document 55766, table 3): no debugging, no key shared with others, encrypted
 * registers, no other domain, no platform without SEV. The first, second, fifth and sixth are Nova's.
 */
const policy = { noDebug: 1 << 0, noKeySharing: 1 << 1, encryptedState: 1 << 2, domain: 1 << 4, sev: 1 << 5 }
const usual = policy.noDebug | policy.noKeySharing | policy.domain | policy.sev

const hex = (bits: number): string => `0x${bits.toString(16).padStart(4, '0')}`

export const launchSecurity: Family = (spec, host) => {
  const model = memoryEncryptionOf(spec)
  if (model === undefined || host.sev === undefined) return undefined
  return element(
    'launchSecurity',
    { type: 'sev' },
    element('cbitpos', {}, host.sev.cBitPosition),
    element('reducedPhysBits', {}, host.sev.reducedPhysBits),
    element('policy', {}, hex(model === 'amd-sev-es' ? usual | policy.encryptedState : usual)),
  )
}

const childAt = (device: XmlElement, name: string): XmlElement | undefined =>
  device.children.find((child): child is XmlElement => typeof child !== 'string' && child.name === name)

/** Devices that read and write in the guest's memory by virtio. */
const isVirtio: Readonly<Record<string, (device: XmlElement) => boolean>> = {
  disk: device => childAt(device, 'target')?.attributes['bus'] === 'virtio',
  interface: device => childAt(device, 'model')?.attributes['type'] === 'virtio',
  controller: ({ attributes }) => attributes['type'] === 'virtio-serial' || attributes['model'] === 'virtio-scsi',
  video: device => childAt(device, 'model')?.attributes['type'] === 'virtio',
  input: ({ attributes }) => attributes['bus'] === 'virtio',
  rng: ({ attributes }) => attributes['model'] === 'virtio',
  memballoon: ({ attributes }) => attributes['model'] === 'virtio',
}

/** A device of a guest with encrypted memory: it reaches only what the guest shows it, through its IOMMU's interface. */
export function throughIommu(device: XmlElement): XmlElement {
  if (isVirtio[device.name]?.(device) !== true) return device
  const driver = childAt(device, 'driver')
  const added = element('driver', { ...driver?.attributes, iommu: 'on' }, ...(driver?.children ?? []))
  const children =
    driver === undefined
      ? [...device.children, added]
      : device.children.map(child => (child === driver ? added : child))
  return { ...device, children }
}

/** Why there can be no such guest here. */
export function encryptionComplaint(wishes: Wishes, { sev }: { readonly sev?: SevSupport | undefined }) {
  const model = memoryEncryptionOf(wishes)
  if (model === undefined) return undefined
  if (sev === undefined) return 'Guest config could not be built without domain capabilities including <sev> feature'
  if (model === 'amd-sev-es' && sev.mostEsGuests === 0)
    return 'Guest config could not be built: the processor, its firmware or KVM does not offer SEV-ES'
  return model === 'amd-sev-snp' ? 'Guest config could not be built: SEV-SNP is not supported' : undefined
}
