import type { RequestSpec } from '#model'
import { asksFor, demand, isYes } from './flavor-demands.ts'
import type { ResourceRequest } from './resource-request.ts'

type Translation = (spec: RequestSpec, request: ResourceRequest) => void

const memoryEncryption: Translation = (spec, request) => {
  if (!asksFor(spec, 'mem_encryption')) return
  const model = demand(spec, 'mem_encryption_model') ?? 'amd-sev'
  request.add('MEM_ENCRYPTION_CONTEXT', 1)
  request.group().required.add(model === 'amd-sev-es' ? 'HW_CPU_X86_AMD_SEV_ES' : 'HW_CPU_X86_AMD_SEV')
}

const persistentMemory: Translation = (spec, request) => {
  for (const label of (spec.flavor.extraSpecs['hw:pmem'] ?? '').split(',').map(part => part.trim())) {
    if (label !== '') request.add(`CUSTOM_PMEM_NAMESPACE_${label.toUpperCase()}`, 1)
  }
}

const virtualTpm: Translation = (spec, request) => {
  const version = demand(spec, 'tpm_version')
  if (version === undefined) return
  const model = demand(spec, 'tpm_model') ?? 'tpm-tis'
  request.group().required.add(model === 'tpm-crb' ? 'COMPUTE_SECURITY_TPM_CRB' : 'COMPUTE_SECURITY_TPM_TIS')
  request.group().required.add(version === '1.2' ? 'COMPUTE_SECURITY_TPM_1_2' : 'COMPUTE_SECURITY_TPM_2_0')
}

const pciNumaAffinity: Translation = (spec, request) => {
  if (demand(spec, 'pci_numa_affinity_policy') === 'socket') {
    request.group().required.add('COMPUTE_SOCKET_PCI_NUMA_AFFINITY')
  }
}

const secureBoot: Translation = (spec, request) => {
  const asked = spec.flavor.extraSpecs['os:secure_boot'] || spec.image?.properties['os_secure_boot']
  if (asked === 'required') request.group().required.add('COMPUTE_SECURITY_UEFI_SECURE_BOOT')
}

const physicalAddresses: Translation = (spec, request) => {
  const mode = demand(spec, 'maxphysaddr_mode')
  if (mode === 'passthrough') request.group().required.add('COMPUTE_ADDRESS_SPACE_PASSTHROUGH')
  if (mode === 'emulate') request.group().required.add('COMPUTE_ADDRESS_SPACE_EMULATED')
}

const statelessFirmware: Translation = (spec, request) => {
  if (isYes(spec.image?.properties['hw_firmware_stateless'])) {
    request.group().required.add('COMPUTE_SECURITY_STATELESS_FIRMWARE')
  }
}

const translations: readonly Translation[] = [
  memoryEncryption,
  persistentMemory,
  virtualTpm,
  pciNumaAffinity,
  secureBoot,
  physicalAddresses,
  statelessFirmware,
]

/** Facilities that a flavor or image asks for in words of their own, as resources and traits. */
export function translateFacilities(spec: RequestSpec, request: ResourceRequest): void {
  for (const translate of translations) translate(spec, request)
}
