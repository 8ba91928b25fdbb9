import type { GuestSpec } from '../../guest-spec.ts'
import type { DomainHost } from './host.ts'
import { imageProperty } from './properties.ts'

export const machineType = (spec: GuestSpec, host: DomainHost): string =>
  imageProperty(spec, 'hw_machine_type') ?? host.defaultMachine

/** `q35` and its versions (`pc-q35-7.2`) have PCI Express and no IDE. */
export const isPciExpress = (machine: string): boolean => machine === 'q35' || machine.startsWith('pc-q35-')

/** An ISO image is put into a CD-ROM drive, as Nova does. */
export const rootDevice = (spec: GuestSpec): 'disk' | 'cdrom' => (spec.image.diskFormat === 'iso' ? 'cdrom' : 'disk')
