import type { RequestSpec } from '#model'
import { hostAttribute } from '../host-attributes.ts'
import type { SchedulerHost } from '../host-source.ts'
import { readVersionPredicate, versionText } from '../version-predicate.ts'
import type { HostFilter, Verdict } from './filter.ts'

/** Architecture, hypervisor type, guest mode and hypervisor version that the image asks for. */
export const imagePropertiesFilter: HostFilter = {
  name: 'ImagePropertiesFilter',
  isOncePerRequest: true,
  runsOnRebuild: true,
  prepare({ spec, options }) {
    const wanted = wantedKind(spec, options.filter_scheduler.image_properties_default_architecture)
    const versionText = property(spec, 'img_hv_requested_version', 'hypervisor_version_requires')
    const version =
      versionText === undefined ? undefined : { text: versionText, holds: readVersionPredicate(versionText) }
    const addressBits = Number(property(spec, 'hw_maxphysaddr_bits') ?? 0)
    if (wanted.length === 0 && version === undefined && addressBits === 0) return null
    return host => {
      const verdict = supports(host, wanted)
      if (verdict !== true) return verdict
      if (version !== undefined) {
        const verdict = runsVersion(host, version)
        if (verdict !== true) return verdict
      }
      return hasAddressBits(host, addressBits)
    }
  },
}

const property = (spec: RequestSpec, ...names: string[]): string | undefined =>
  names.map(name => spec.image?.properties[name]).find(value => value !== undefined && value !== '')

/** Old spellings that images still carry. */
const architectureAliases: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  x86: 'i686',
  i386: 'i686',
  i486: 'i686',
  i586: 'i686',
  arm64: 'aarch64',
}
const hypervisorAliases: Readonly<Record<string, string>> = { xapi: 'xen', powervm: 'phyp' }
const modeAliases: Readonly<Record<string, string>> = { pv: 'xen', hv: 'hvm', baremetal: 'hvm' }

const canonical = (value: string | undefined, aliases: Readonly<Record<string, string>>): string[] => {
  if (value === undefined) return []
  const lower = value.toLowerCase()
  return [aliases[lower] ?? lower]
}

function wantedKind(spec: RequestSpec, defaultArchitecture: string | null): string[] {
  const architecture = property(spec, 'hw_architecture', 'architecture') ?? defaultArchitecture ?? undefined
  return [
    ...canonical(architecture, architectureAliases),
    ...canonical(property(spec, 'img_hv_type', 'hypervisor_type'), hypervisorAliases),
    ...canonical(property(spec, 'hw_vm_mode', 'vm_mode'), modeAliases),
  ]
}

function supports(host: SchedulerHost, wanted: readonly string[]): Verdict {
  if (wanted.length === 0) return true
  for (const kind of host.supportedInstances) if (isOf(kind, wanted)) return true
  const offered = host.supportedInstances.map(kind => kind.join('/')).join(', ')
  return `the image needs ${wanted.join('/')}, the host supports ${offered || 'nothing it reports'}`
}

function isOf(kind: readonly string[], wanted: readonly string[]): boolean {
  for (const word of wanted) if (!kind.includes(word)) return false
  return true
}

function runsVersion(
  host: SchedulerHost,
  version: { readonly text: string; readonly holds: ReturnType<typeof readVersionPredicate> },
): Verdict {
  if (version.holds === undefined) return `the image's hypervisor version '${version.text}' is no predicate like >=6.0`
  return (
    version.holds(host.hypervisorVersion) ||
    `the image needs hypervisor version ${version.text}, the host runs ${versionText(host.hypervisorVersion)}`
  )
}

function hasAddressBits(host: SchedulerHost, bits: number): Verdict {
  if (bits === 0) return true
  const there = Number(hostAttribute(host, ['cpu_info', 'maxphysaddr', 'bits']) ?? Number.POSITIVE_INFINITY)
  return bits <= there || `the image needs ${bits} physical address bits, the host has ${there}`
}
