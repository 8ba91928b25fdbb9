import type { GuestCard, GuestSpec, GuestVif } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { pciAddress } from './hostdevs.ts'
import { extraSpec, flavorOrImage, imageProperty, isTrue, oneOf, positiveInteger } from './properties.ts'

export const vifModels = ['virtio', 'e1000', 'e1000e', 'igb', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3'] as const

/** What all NICs of a guest have in common. */
export interface VifOptions {
  readonly queues?: number | undefined
  readonly rxQueueSize?: number | null
  readonly isPacked?: boolean
  /** The hypervisor's own choice of a NIC: neither image nor nova.conf name one. */
  readonly isUnnamed?: boolean
  readonly bandwidth?: XmlElement | undefined
}

function driver(options: VifOptions): XmlElement | undefined {
  const attributes = {
    queues: options.queues,
    rx_queue_size: options.rxQueueSize ?? undefined,
    packed: options.isPacked === true ? 'on' : undefined,
  }
  return Object.values(attributes).every(value => value === undefined) ? undefined : element('driver', attributes)
}

/** A function of a card: the guest's own, or a macvtap in passthrough mode over it. */
function cardElement({ mac, model }: GuestVif, card: GuestCard, options: VifOptions): XmlElement {
  const address = pciAddress(card.address, { type: 'pci' })
  const vlan = card.vlan === null ? undefined : element('vlan', {}, element('tag', { id: card.vlan }))
  if (card.kind === 'hostdev')
    return element(
      'interface',
      { type: 'hostdev', managed: card.isManaged ? 'yes' : 'no' },
      element('mac', { address: mac }),
      element('source', {}, address),
      vlan,
    )
  return element(
    'interface',
    { type: 'direct' },
    element('mac', { address: mac }),
    element('source', { dev: card.interfaceName ?? '', mode: 'passthrough' }),
    element('model', { type: oneOf(model, vifModels, 'virtio') }),
    options.bandwidth,
  )
}

/** libvirt makes the tap and puts it on the bridge; the bridge is the network's business and exists already. */
export const vifElement = (vif: GuestVif, options: VifOptions = {}): XmlElement => {
  if (vif.card !== undefined) return cardElement(vif, vif.card, options)
  const model = oneOf(vif.model, vifModels, 'virtio')
  return element(
    'interface',
    { type: 'bridge' },
    element('mac', { address: vif.mac }),
    element('source', { bridge: vif.bridge }),
    element('target', { dev: vif.devName }),
    options.isUnnamed === true ? undefined : element('model', { type: model }),
    model === 'virtio' && options.isUnnamed !== true ? driver(options) : undefined,
    element('mtu', { size: vif.mtu }),
    options.bandwidth,
  )
}

/** What is asked of the NICs of a guest: by its flavor, its image, and nova.conf. */
export interface VifWishes {
  readonly flavor: Pick<GuestSpec['flavor'], 'vcpus' | 'extraSpecs'>
  readonly image: Pick<GuestSpec['image'], 'properties'>
}

/** One NIC as this guest has them, from the start or plugged in later. */
export function guestVifElement(vif: GuestVif, wishes: VifWishes, host: DomainHost): XmlElement {
  const asked = wishes.image.properties['hw_vif_model']
  const { rxQueueSize, usesVirtioNics } = host.settings
  const options: VifOptions = {
    // tx_queue_size is not among them: QEMU takes another size than its own only of vhost-user.
    rxQueueSize,
    queues: queuesOf(wishes, host),
    isPacked: isTrue(flavorOrImage(wishes, 'hw:virtio_packed_ring', 'hw_virtio_packed_ring'), false),
    bandwidth: bandwidthOf(wishes),
    isUnnamed: asked === undefined && !usesVirtioNics,
  }
  return vifElement(asked === undefined ? vif : { ...vif, model: asked }, options)
}

export const interfaces: Family = (spec, host) => spec.vifs.map(vif => guestVifElement(vif, spec, host))

/** A queue for each processor. */
function queuesOf(spec: VifWishes, host: DomainHost): number | undefined {
  const isOn = isTrue(flavorOrImage(spec, 'hw:vif_multiqueue_enabled', 'hw_vif_multiqueue_enabled'), false)
  return isOn && spec.flavor.vcpus > 1 ? Math.min(spec.flavor.vcpus, host.settings.maxQueues) : undefined
}

/** KiB/s of the flavor's `quota:vif_…`; libvirt wants an average wherever there is a peak or a burst. */
function bandwidthOf(spec: VifWishes): XmlElement | undefined {
  const way = (name: 'inbound' | 'outbound') => {
    const limit = (kind: string) => positiveInteger(extraSpec(spec, `quota:vif_${name}_${kind}`))
    const average = limit('average')
    return average === undefined ? undefined : element(name, { average, peak: limit('peak'), burst: limit('burst') })
  }
  const [inbound, outbound] = [way('inbound'), way('outbound')]
  return inbound === undefined && outbound === undefined ? undefined : element('bandwidth', {}, inbound, outbound)
}

export function vifComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  const asked = imageProperty(spec, 'hw_vif_model')
  return asked === undefined || vifModels.some(model => model === asked)
    ? undefined
    : `Requested hardware '${asked}' is not supported by the '${host.virtType}' virt driver`
}
