import { declareFault, type Fault } from '#base'
import type { GuestSpec } from '../../guest-spec.ts'
import { usbComplaint } from './controllers.ts'
import { cpuComplaint } from './cpu.ts'
import { topologyOf, topologyWishes } from './cpu-topology.ts'
import { cpuTuningComplaint } from './cpu-tuning.ts'
import { videoComplaint, videoRamComplaint } from './display.ts'
import { firmwareOf } from './firmware.ts'
import type { DomainHost } from './host.ts'
import { vifComplaint } from './interfaces.ts'
import { iommuComplaint } from './iommu.ts'
import { architectureOf, machineType } from './machine.ts'
import { encryptionComplaint } from './memory-encryption.ts'
import { flavorOrImage } from './properties.ts'
import { mostSerialPorts, serialPortCount } from './serial.ts'
import { soundComplaint } from './sound.ts'
import { tpmComplaint } from './tpm.ts'
import { watchdogComplaint } from './watchdog.ts'

const refusal = (name: string) => declareFault(name, 'final', (p: { reason: string }) => p.reason, 400)

export const UefiNotSupported = refusal('UEFINotSupported')
export const SecureBootNotSupported = refusal('SecureBootNotSupported')
export const InvalidMachineType = refusal('InvalidMachineType')
export const TopologyImpossible = refusal('ImageVCPULimitsRangeImpossible')
export const InvalidCpu = refusal('InvalidCPUInfo')
export const CpuControlMissing = refusal('UnsupportedHostCPUControlPolicy')
export const VideoRamTooHigh = refusal('RequestedVRamTooHigh')
export const VideoRefused = refusal('InvalidVideoMode')
export const TooManySerialPorts = refusal('SerialPortNumberLimitExceeded')
export const WatchdogRefused = refusal('InvalidWatchdogAction')
export const NicRefused = refusal('UnsupportedHardware')
export const TpmRefused = refusal('VtpmNotSupported')
export const IommuRefused = refusal('InvalidVIOMMUMachineType')
export const SoundRefused = refusal('UnsupportedSoundModel')
export const UsbRefused = refusal('UnsupportedUsb')
export const EncryptionRefused = refusal('MissingDomainCapabilityFeatureException')
export const ArchitectureRefused = refusal('InvalidArchitectureName')
export const AddressesRefused = refusal('UnsupportedAddressSpace')

type Check = (spec: GuestSpec, host: DomainHost) => string | undefined

const machine: Check = (spec, host) => {
  const emulator = host.emulators[architectureOf(spec, host)]
  const asked = machineType(spec, host)
  if (emulator === undefined || Object.hasOwn(emulator.machines, asked)) return undefined
  const { image } = spec
  return (
    `Machine type '${asked}' is not compatible with image ${image.name ?? ''} (${image.id}): ` +
    `the emulator for ${architectureOf(spec, host)} has no such machine`
  )
}

const architecture: Check = (spec, host) => {
  const asked = architectureOf(spec, host)
  return host.emulators[asked] === undefined ? `No emulator for architecture ${asked} on this host` : undefined
}

const uefi: Check = (spec, host) => {
  const choice = firmwareOf(spec, host)
  return choice.kind === 'none' && !choice.wantsSecureBoot ? 'UEFI is not supported' : undefined
}

/** A guest that boots by BIOS cannot do it securely, whatever it asks for; Nova looks at the wish only with UEFI. */
const secureBoot: Check = (spec, host) => {
  const choice = firmwareOf(spec, host)
  return choice.kind === 'none' && choice.wantsSecureBoot ? 'Secure Boot is not supported by host' : undefined
}

const topology: Check = spec => {
  if (topologyOf(spec) !== undefined) return undefined
  const { sockets = 65_536, cores = 65_536, threads = 65_536 } = topologyWishes(spec).maximum
  return `Requested vCPU limits ${sockets}:${cores}:${threads} are impossible to satisfy for vcpus count ${spec.flavor.vcpus}`
}

const serialPorts: Check = (spec, host) =>
  serialPortCount(spec) > mostSerialPorts
    ? `Maximum number of serial port exceeds ${mostSerialPorts} for ${host.virtType}`
    : undefined

const addressSpace: Check = (spec, host) => {
  const mode = flavorOrImage(spec, 'hw:maxphysaddr_mode', 'hw_maxphysaddr_mode')
  if (mode === undefined) return undefined
  if (host.virtType !== 'kvm') return 'The size of physical addresses can be set for guests of KVM only.'
  return mode === 'passthrough' && host.cpu.mode !== 'host-passthrough'
    ? "hw:maxphysaddr_mode=passthrough needs [libvirt] cpu_mode = 'host-passthrough'."
    : undefined
}

const checks: readonly (readonly [Check, (params: { reason: string }) => Fault])[] = [
  [architecture, ArchitectureRefused],
  [machine, InvalidMachineType],
  [uefi, UefiNotSupported],
  [secureBoot, SecureBootNotSupported],
  [topology, TopologyImpossible],
  [cpuComplaint, InvalidCpu],
  [cpuTuningComplaint, CpuControlMissing],
  [addressSpace, AddressesRefused],
  [encryptionComplaint, EncryptionRefused],
  [tpmComplaint, TpmRefused],
  [videoRamComplaint, VideoRamTooHigh],
  [videoComplaint, VideoRefused],
  [serialPorts, TooManySerialPorts],
  [watchdogComplaint, WatchdogRefused],
  [vifComplaint, NicRefused],
  [iommuComplaint, IommuRefused],
  [soundComplaint, SoundRefused],
  [usbComplaint, UsbRefused],
]

/** Throws what this host cannot give the guest, before anything of it is made. */
export function mustSuit(spec: GuestSpec, host: DomainHost): void {
  for (const [check, fault] of checks) {
    const reason = check(spec, host)
    if (reason !== undefined) throw fault({ reason })
  }
}
