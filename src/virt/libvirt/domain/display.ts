import type { GuestSpec } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf, isX86 } from './machine.ts'
import { imageProperty, positiveInteger } from './properties.ts'
import type { SpiceSettings } from './settings.ts'

export const hasDisplay = ({ settings: { vncListen, spice } }: DomainHost): boolean =>
  vncListen !== null || spice !== null

/** libvirt picks the port. Only this machine may connect unless the operator says so: the console proxies stand in front. */
export const graphics: Family = (_spec, { settings: { vncListen, spice } }) => [
  ...(vncListen === null
    ? []
    : [element('graphics', { type: 'vnc', autoport: 'yes', listen: vncListen }, listenOn(vncListen))]),
  ...(spice === null ? [] : [spiceDisplay(spice)]),
]

const listenOn = (address: string) => element('listen', { type: 'address', address })

const spiceDisplay = (spice: SpiceSettings): XmlElement => {
  const compression = (kind: string, value: string | null) =>
    value === null ? undefined : element(kind, { compression: value })
  return element(
    'graphics',
    {
      type: 'spice',
      autoport: 'yes',
      listen: spice.listen,
      defaultMode: spice.isSecureOnly ? 'secure' : undefined,
    },
    listenOn(spice.listen),
    compression('image', spice.imageCompression),
    compression('jpeg', spice.jpegCompression),
    compression('zlib', spice.zlibCompression),
    spice.playbackCompression === null
      ? undefined
      : element('playback', { compression: spice.playbackCompression ? 'on' : 'off' }),
    spice.streamingMode === null ? undefined : element('streaming', { mode: spice.streamingMode }),
  )
}

/** What the image asks for, or what suits the display and this host has. */
export function videoModel(spec: GuestSpec, host: DomainHost): string {
  const asked = imageProperty(spec, 'hw_video_model')
  if (asked !== undefined) return asked
  const usual = isX86(architectureOf(spec, host)) && host.settings.spice !== null ? 'qxl' : 'virtio'
  return [usual, 'virtio', 'vga', 'cirrus'].find(model => host.videoModels.includes(model)) ?? 'vga'
}

/** A guest without a display has no video device either, as in Nova. */
export const video: Family = (spec, host) =>
  hasDisplay(host)
    ? element('video', {}, element('model', { type: videoModel(spec, host), vram: vramKiB(spec) }))
    : undefined

const videoRam = (spec: GuestSpec) => ({
  wanted: positiveInteger(imageProperty(spec, 'hw_video_ram')) ?? 0,
  allowed: positiveInteger(spec.flavor.extraSpecs['hw_video:ram_max_mb']) ?? 0,
})

/** hw_video_ram counts only within what the flavor allows. */
function vramKiB(spec: GuestSpec): number | undefined {
  const { wanted, allowed } = videoRam(spec)
  return wanted === 0 || wanted > allowed ? undefined : wanted * 1024
}

export function videoRamComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  const { wanted, allowed } = videoRam(spec)
  return hasDisplay(host) && wanted > allowed
    ? `The requested amount of video memory ${wanted} is higher than the maximum allowed by flavor ${allowed}.`
    : undefined
}

export function videoComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  if (!hasDisplay(host)) return undefined
  const model = videoModel(spec, host)
  return model === 'none' || host.videoModels.includes(model)
    ? undefined
    : `Provided video model (${model}) is not supported.`
}
