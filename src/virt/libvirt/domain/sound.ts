import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { flavorOrImage } from './properties.ts'

const models = ['ac97', 'es1370', 'ich6', 'ich9', 'pcspk', 'sb16', 'usb']
/** From this on libvirt knows the virtio model. */
const knowsVirtio = 10_004_000

export const soundModels = ({ libvirtVersion }: Pick<DomainHost, 'libvirtVersion'>): readonly string[] =>
  libvirtVersion >= knowsVirtio ? [...models, 'virtio'] : models

const asked = (spec: GuestSpec): string | undefined => flavorOrImage(spec, 'hw:sound_model', 'hw_sound_model')

export const sound: Family = (spec, host) => {
  const model = asked(spec)
  return model !== undefined && soundModels(host).includes(model) ? element('sound', { model }) : undefined
}

export function soundComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  const model = asked(spec)
  return model === undefined || soundModels(host).includes(model)
    ? undefined
    : `Sound model ${model} is not supported by this host.`
}
