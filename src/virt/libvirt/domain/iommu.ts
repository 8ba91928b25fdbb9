import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf, isByTcg, isPciExpress, isX86, machineType } from './machine.ts'
import { flavorOrImage, oneOf } from './properties.ts'

/** From these on libvirt knows the virtio model, and the width of addresses. */
const knowsVirtio = 8_003_000
const knowsWidth = 6_005_000

const models = ['intel', 'smmuv3', 'virtio', 'auto'] as const

/** An IOMMU inside the guest, for guests that hand devices on. */
export function viommuModel(spec: GuestSpec, host: DomainHost): 'intel' | 'smmuv3' | 'virtio' | undefined {
  const asked = flavorOrImage(spec, 'hw:viommu_model', 'hw_viommu_model')
  if (asked === undefined) return undefined
  const model = oneOf(asked, models, 'auto')
  if (model !== 'auto') return model
  if (host.libvirtVersion >= knowsVirtio) return 'virtio'
  return isX86(architectureOf(spec, host)) ? 'intel' : 'smmuv3'
}

export const iommu: Family = (spec, host) => {
  const model = viommuModel(spec, host)
  if (model === undefined) return undefined
  if (model === 'virtio') return element('iommu', { model })
  const isIntel = model === 'intel'
  return element(
    'iommu',
    { model },
    isIntel
      ? element('driver', {
          intremap: 'on',
          caching_mode: 'on',
          // QEMU has it with KVM's interrupt controller alone.
          eim: isPciExpress(machineType(spec, host)) && !isByTcg(spec, host) ? 'on' : 'off',
          iotlb: 'on',
          aw_bits: host.libvirtVersion >= knowsWidth ? 48 : undefined,
        })
      : undefined,
  )
}

export function iommuComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  if (viommuModel(spec, host) === undefined) return undefined
  const [architecture, machine] = [architectureOf(spec, host), machineType(spec, host)]
  if (!isX86(architecture) && architecture !== 'aarch64')
    return `vIOMMU required for a guest but architecture: ${architecture} is not supported`
  const suits = isX86(architecture) ? isPciExpress(machine) : machine.startsWith('virt')
  return suits
    ? undefined
    : `vIOMMU is not supported by Current machine type ${machine} (Architecture: ${architecture}).`
}
