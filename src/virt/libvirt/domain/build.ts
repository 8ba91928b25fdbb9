import type { GuestSpec } from '../../guest-spec.ts'
import { balloon } from './balloon.ts'
import { channels } from './channels.ts'
import { clock } from './clock.ts'
import { cpu, vcpu } from './cpu.ts'
import { controllers, disks } from './disks.ts'
import { graphics, video } from './display.ts'
import { element, renderXml, type XmlElement } from './element.ts'
import { features } from './features.ts'
import type { DomainHost, Family } from './host.ts'
import { interfaces } from './interfaces.ts'
import { memory } from './memory.ts'
import { metadata } from './metadata.ts'
import { os } from './os.ts'
import { rng } from './rng.ts'
import { serial } from './serial.ts'
import { sysinfo } from './sysinfo.ts'

const sections: readonly Family[] = [metadata, memory, vcpu, sysinfo, os, features, cpu, clock]
const devices: readonly Family[] = [disks, controllers, interfaces, serial, channels, graphics, video, rng, balloon]

/** The definition of a guest: a list of families, each of which sees the whole spec and nothing of the others. */
export function domainElement(spec: GuestSpec, host: DomainHost): XmlElement {
  const of = (families: readonly Family[]) => families.map(family => family(spec, host))
  return element(
    'domain',
    { type: host.virtType },
    element('name', {}, spec.name),
    element('uuid', {}, spec.id),
    of(sections),
    element('devices', {}, element('emulator', {}, host.emulator), of(devices)),
  )
}

export const domainXml = (spec: GuestSpec, host: DomainHost): string => renderXml(domainElement(spec, host))
