import type { GuestSpec, GuestVif } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import type { Family } from './host.ts'
import { flavorOrImage, imageProperty, isTrue, oneOf } from './properties.ts'

const vifModels = ['virtio', 'e1000', 'e1000e', 'igb', 'rtl8139', 'ne2k_pci', 'pcnet', 'vmxnet3'] as const

/** libvirt makes the tap and puts it on the bridge; the bridge is the network's business and exists already. */
export const vifElement = (vif: GuestVif, queues?: number): XmlElement => {
  const model = oneOf(vif.model, vifModels, 'virtio')
  return element(
    'interface',
    { type: 'bridge' },
    element('mac', { address: vif.mac }),
    element('source', { bridge: vif.bridge }),
    element('target', { dev: vif.devName }),
    element('model', { type: model }),
    model === 'virtio' && queues !== undefined ? element('driver', { queues }) : undefined,
    element('mtu', { size: vif.mtu }),
  )
}

export const interfaces: Family = spec => {
  const model = imageProperty(spec, 'hw_vif_model')
  return spec.vifs.map(vif => vifElement(model === undefined ? vif : { ...vif, model }, queuesOf(spec)))
}

/** More queues than the tap driver allows fail the start. */
const maxQueues = 8

function queuesOf(spec: GuestSpec): number | undefined {
  const isOn = isTrue(flavorOrImage(spec, 'hw:vif_multiqueue_enabled', 'hw_vif_multiqueue_enabled'), false)
  return isOn && spec.flavor.vcpus > 1 ? Math.min(spec.flavor.vcpus, maxQueues) : undefined
}
