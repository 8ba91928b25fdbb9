import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import { needsSmm } from './firmware.ts'
import type { DomainHost, Family } from './host.ts'
import { viommuModel } from './iommu.ts'
import { architectureOf, isByTcg, isX86 } from './machine.ts'
import { flavorOrImage, imageProperty, isTrue } from './properties.ts'

const hidesHypervisor = (spec: GuestSpec): boolean => {
  const { extraSpecs } = spec.flavor
  return (
    isTrue(extraSpecs['hide_hypervisor_id'], false) ||
    isTrue(extraSpecs['hw:hide_hypervisor_id'], false) ||
    isTrue(imageProperty(spec, 'img_hide_hypervisor_id'), false)
  )
}

/** Drivers that refuse to work in a guest look for Microsoft's name; any other will do. */
const otherVendor = '1234567890ab'

/** What makes Windows fast; only KVM has it. */
const hyperv = (spec: GuestSpec, host: DomainHost) => {
  if (imageProperty(spec, 'os_type') !== 'windows' || isByTcg(spec, host)) return undefined
  const on = (name: string) => element(name, { state: 'on' })
  return element(
    'hyperv',
    {},
    ['relaxed', 'vapic'].map(on),
    // Nova's number; Microsoft's certification wants it so.
    element('spinlocks', { state: 'on', retries: 8191 }),
    hidesHypervisor(spec) ? element('vendor_id', { state: 'on', value: otherVendor }) : undefined,
    ['vpindex', 'runtime', 'synic', 'reset', 'frequencies', 'reenlightenment', 'tlbflush', 'ipi'].map(on),
    // Of Intel's processors alone.
    host.cpuFeatures.most.includes('vmx') ? on('evmcs') : undefined,
  )
}

const pmu = (spec: GuestSpec) => {
  const asked = flavorOrImage(spec, 'hw:pmu', 'hw_pmu')
  return asked === undefined ? undefined : element('pmu', { state: isTrue(asked, false) ? 'on' : 'off' })
}

export const features: Family = (spec, host) => {
  const architecture = architectureOf(spec, host)
  const hasAcpi = isX86(architecture) || architecture === 'aarch64'
  return element(
    'features',
    {},
    hasAcpi ? element('acpi') : undefined,
    hasAcpi && isX86(architecture) && host.settings.hasApic ? element('apic') : undefined,
    hyperv(spec, host),
    hasAcpi ? element('vmcoreinfo', { state: 'on' }) : undefined,
    hidesHypervisor(spec) ? element('kvm', {}, element('hidden', { state: 'on' })) : undefined,
    pmu(spec),
    needsSmm(spec, host) ? element('smm', { state: 'on' }) : undefined,
    viommuModel(spec, host) === undefined || !isX86(architecture) ? undefined : element('ioapic', { driver: 'qemu' }),
    isByTcg(spec, host) ? element('tcg', {}, element('tb-cache', { unit: 'MiB' }, host.tbCacheMiB)) : undefined,
  )
}
