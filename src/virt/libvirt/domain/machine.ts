import type { GuestSpec } from '../../guest-spec.ts'
import type { DomainHost } from './host.ts'
import { imageProperty } from './properties.ts'

/** Nova's defaults by architecture; what is not here is left to QEMU. */
const usualMachines: Readonly<Record<string, string>> = {
  armv7l: 'virt',
  aarch64: 'virt',
  ppc64le: 'pseries',
  s390: 's390-ccw-virtio',
  s390x: 's390-ccw-virtio',
  i686: 'pc',
  x86_64: 'pc',
  riscv64: 'virt',
}

/** What the guest's processor is; another one than the host's is emulated. */
export const architectureOf = (spec: GuestSpec, host: DomainHost): string =>
  imageProperty(spec, 'hw_emulation_architecture') ?? host.architecture

export const isEmulated = (spec: GuestSpec, host: DomainHost): boolean =>
  architectureOf(spec, host) !== host.architecture

export const isByTcg = (spec: GuestSpec, host: DomainHost): boolean =>
  host.virtType === 'qemu' || isEmulated(spec, host)

export const isX86 = (architecture: string): boolean => architecture === 'x86_64' || architecture === 'i686'

/** The operator may change the default; what a guest had at its first start is in its properties from then on. */
export const machineType = (spec: GuestSpec, host: DomainHost): string => {
  const architecture = architectureOf(spec, host)
  return (
    imageProperty(spec, 'hw_machine_type') ??
    host.settings.machineTypes[architecture] ??
    usualMachines[architecture] ??
    host.defaultMachine
  )
}

/** The name with the version, as firmware descriptors have it: `pc-q35-7.2`. */
export const canonicalMachine = (spec: GuestSpec, host: DomainHost): string => {
  const machine = machineType(spec, host)
  return host.emulators[architectureOf(spec, host)]?.machines[machine] ?? machine
}

/** `q35` and its versions (`pc-q35-7.2`) have PCI Express and no IDE. */
export const isPciExpress = (machine: string): boolean => machine === 'q35' || machine.startsWith('pc-q35-')

/** An ISO image is put into a CD-ROM drive, as Nova does. */
export const rootDevice = (spec: GuestSpec): 'disk' | 'cdrom' => (spec.image.diskFormat === 'iso' ? 'cdrom' : 'disk')
