import type { GuestSpec } from '../../guest-spec.ts'
import { balloon } from './balloon.ts'
import { channels } from './channels.ts'
import { clock } from './clock.ts'
import { buses, usbRedirection } from './controllers.ts'
import { cpu, vcpu } from './cpu.ts'
import { cpuTuning } from './cpu-tuning.ts'
import { controllers, disks } from './disks.ts'
import { graphics, video } from './display.ts'
import { element, renderXml, type XmlElement } from './element.ts'
import { features } from './features.ts'
import { fileSystems } from './file-systems.ts'
import type { DomainHost, Family } from './host.ts'
import { hostdevs } from './hostdevs.ts'
import { input } from './input.ts'
import { interfaces } from './interfaces.ts'
import { iommu } from './iommu.ts'
import { architectureOf, isEmulated } from './machine.ts'
import { memory } from './memory.ts'
import { memoryBacking } from './memory-backing.ts'
import { launchSecurity, memoryEncryptionOf, throughIommu } from './memory-encryption.ts'
import { metadata } from './metadata.ts'
import { numaTune } from './numa.ts'
import { os } from './os.ts'
import { perf } from './perf.ts'
import { rng } from './rng.ts'
import { serial } from './serial.ts'
import { sound } from './sound.ts'
import { sysinfo } from './sysinfo.ts'
import { tpm } from './tpm.ts'
import { watchdog } from './watchdog.ts'

const sections: readonly Family[] = [
  metadata,
  memory,
  memoryBacking,
  vcpu,
  cpuTuning,
  numaTune,
  sysinfo,
  os,
  features,
  cpu,
  clock,
  perf,
]
const devices: readonly Family[] = [
  disks,
  controllers,
  buses,
  fileSystems,
  interfaces,
  serial,
  channels,
  input,
  tpm,
  graphics,
  sound,
  video,
  usbRedirection,
  hostdevs,
  watchdog,
  rng,
  balloon,
  iommu,
]

/** The definition of a guest: a list of families, each of which sees the whole spec and nothing of the others. */
export function domainElement(spec: GuestSpec, host: DomainHost): XmlElement {
  const of = (families: readonly Family[]) => families.map(family => family(spec, host))
  return element(
    'domain',
    { type: isEmulated(spec, host) ? 'qemu' : host.virtType },
    element('name', {}, spec.name),
    element('uuid', {}, spec.id),
    of(sections),
    devicesOf(spec, host),
    launchSecurity(spec, host),
  )
}

function devicesOf(spec: GuestSpec, host: DomainHost): XmlElement {
  const of = devices.map(family => family(spec, host))
  const all = element('devices', {}, element('emulator', {}, emulatorOf(spec, host)), of)
  if (memoryEncryptionOf(spec) === undefined) return all
  return { ...all, children: all.children.map(child => (typeof child === 'string' ? child : throughIommu(child))) }
}

export const domainXml = (spec: GuestSpec, host: DomainHost): string => renderXml(domainElement(spec, host))

const emulatorOf = (spec: GuestSpec, host: DomainHost): string =>
  host.emulators[architectureOf(spec, host)]?.path ?? host.emulator
