import { element } from './element.ts'
import type { Family } from './host.ts'
import { imageProperty, positiveInteger } from './properties.ts'

/** libvirt picks the port. Only this machine may connect: the console proxies stand in front. */
export const graphics: Family = (_spec, host) =>
  element(
    'graphics',
    { type: 'vnc', autoport: 'yes', listen: host.vncListen },
    element('listen', { type: 'address', address: host.vncListen }),
  )

export const video: Family = (spec, host) => {
  const wanted = imageProperty(spec, 'hw_video_model') ?? 'virtio'
  const type =
    [wanted, 'virtio', 'vga', 'cirrus'].find(model => model === 'none' || host.videoModels.includes(model)) ?? 'vga'
  return element('video', {}, element('model', { type, vram: vramKiB(spec) }))
}

/** hw_video_ram counts only within what the flavor allows. */
function vramKiB(spec: Parameters<Family>[0]): number | undefined {
  const wanted = positiveInteger(imageProperty(spec, 'hw_video_ram'))
  const allowed = positiveInteger(spec.flavor.extraSpecs['hw_video:ram_max_mb'])
  return wanted === undefined || allowed === undefined || wanted > allowed ? undefined : wanted * 1024
}
