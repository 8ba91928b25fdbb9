import { element } from './element.ts'
import type { Family } from './host.ts'
import { imageProperty, isTrue } from './properties.ts'

/** The agent's channel, for images that say they run one. libvirt makes the socket. */
export const channels: Family = spec =>
  isTrue(imageProperty(spec, 'hw_qemu_guest_agent'), false)
    ? element('channel', { type: 'unix' }, element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }))
    : undefined
