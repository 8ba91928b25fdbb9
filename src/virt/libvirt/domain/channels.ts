import { element } from './element.ts'
import type { Family } from './host.ts'
import { imageProperty, isTrue } from './properties.ts'

/** The agent's channel, for images that say they run one, and that of a SPICE display. libvirt makes the sockets. */
export const channels: Family = (spec, { settings: { spice } }) => [
  ...(isTrue(imageProperty(spec, 'hw_qemu_guest_agent'), false)
    ? [element('channel', { type: 'unix' }, element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }))]
    : []),
  ...(spice?.hasAgent === true
    ? [element('channel', { type: 'spicevmc' }, element('target', { type: 'virtio', name: 'com.redhat.spice.0' }))]
    : []),
]
