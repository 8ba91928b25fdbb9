import type { GuestSpec } from '../../guest-spec.ts'
import { ranges } from './cpu-ranges.ts'
import { topologyOf } from './cpu-topology.ts'
import { hasAll, requiredFeatures } from './cpu-traits.ts'
import { element, type XmlElement } from './element.ts'
import type { CpuMode, DomainHost, Family } from './host.ts'
import { architectureOf, isEmulated } from './machine.ts'
import { guestCells } from './numa.ts'
import { flavorOrImage, positiveInteger } from './properties.ts'

/** Guests without nodes of their own run on the CPUs that are shared, where the operator names them. */
export const vcpu: Family = ({ flavor, numa }, { settings: { sharedCpus } }) =>
  element('vcpu', { cpuset: numa === undefined && sharedCpus !== null ? ranges(sharedCpus) : undefined }, flavor.vcpus)

/** What another processor than the host's is, where there is a usual one. */
const emulatedModels: Readonly<Record<string, string>> = { aarch64: 'cortex-a57', ppc64le: 'POWER8' }

/** What stands inside the processor's element, beside model and features. */
const parts: readonly Family[] = [
  spec => {
    const topology = topologyOf(spec)
    return topology === undefined ? undefined : element('topology', { ...topology })
  },
  spec => {
    const mode = flavorOrImage(spec, 'hw:maxphysaddr_mode', 'hw_maxphysaddr_mode')
    const bits = positiveInteger(flavorOrImage(spec, 'hw:maxphysaddr_bits', 'hw_maxphysaddr_bits'))
    return mode === undefined
      ? undefined
      : element('maxphysaddr', { mode, bits: mode === 'emulate' ? bits : undefined })
  },
  spec => guestCells(spec),
]

export const cpu: Family = (spec, host) => {
  const inside = parts.map(part => part(spec, host))
  if (isEmulated(spec, host)) {
    const model = emulatedModels[architectureOf(spec, host)]
    return model === undefined
      ? element('cpu', {}, inside)
      : element('cpu', { mode: 'custom', match: 'exact' }, element('model', {}, model), inside)
  }
  const chosen = cpuModeOf(spec, host)
  return chosen === undefined ? undefined : modeElement(chosen, features(host, chosen), inside)
}

/**
 * The mode for this guest. Models are tried in the operator's order for one that has all that flavor and image require; a
 * guest that would get QEMU's own default gets all that there is, if it requires more than that. Undefined: no model has it.
 */
export function cpuModeOf(spec: GuestSpec, host: DomainHost): CpuMode | undefined {
  const required = requiredFeatures(spec)
  const { usual, byModel } = host.cpuFeatures
  if (host.cpu.mode === 'none') return hasAll(usual, required) ? host.cpu : { mode: 'maximum' }
  if (host.cpu.mode !== 'custom') return host.cpu
  const models = host.settings.cpuModels.length > 0 ? host.settings.cpuModels : [host.cpu.model]
  if (required.length === 0) return { mode: 'custom', model: models[0] ?? host.cpu.model }
  const model = models.find(name => hasAll([...(byModel[name] ?? []), ...added(host)], required))
  return model === undefined ? undefined : { mode: 'custom', model }
}

/** `+pcid` and `pcid` mean the same. */
const flags = (host: DomainHost) =>
  [...new Set(host.settings.cpuExtraFlags.map(flag => flag.toLowerCase()))].map(flag => ({
    name: flag.replace(/^[+-]/, ''),
    policy: flag.startsWith('-') ? 'disable' : 'require',
  }))

const added = (host: DomainHost): readonly string[] =>
  flags(host).flatMap(({ name, policy }) => (policy === 'require' ? [name] : []))

const features = (host: DomainHost, { mode }: CpuMode): readonly XmlElement[] =>
  mode === 'none' ? [] : flags(host).map(({ name, policy }) => element('feature', { policy, name }))

type Inside = readonly ReturnType<Family>[]

function modeElement(chosen: CpuMode, flagged: readonly XmlElement[], inside: Inside): XmlElement {
  switch (chosen.mode) {
    case 'none':
      return element('cpu', {}, inside)
    case 'custom':
      return element('cpu', { mode: 'custom', match: 'exact' }, element('model', {}, chosen.model), inside, flagged)
    default:
      return element(
        'cpu',
        { mode: chosen.mode, check: chosen.mode === 'host-model' ? 'partial' : 'none' },
        inside,
        flagged,
      )
  }
}

/** Why no processor of this host suits the guest. */
export function cpuComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  if (isEmulated(spec, host) || cpuModeOf(spec, host) !== undefined) return undefined
  const required = requiredFeatures(spec).map(alternatives => alternatives[0] ?? '')
  return `No CPU model match traits, models: ${host.settings.cpuModels.join(', ')}, required flags: ${required.join(', ')}`
}
