import { matchesExtraSpec } from '../extra-spec-match.ts'
import { attributeText, hasHostAttribute, hostAttribute } from '../host-attributes.ts'
import type { SchedulerHost } from '../host-source.ts'
import type { HostFilter, Verdict } from './filter.ts'

interface Demand {
  readonly path: readonly string[]
  readonly required: string
  /** An extra spec without a scope counts only where the host knows such an attribute. */
  readonly isScoped: boolean
}

/** The flavor's `capabilities:…` extra specs, and those without a scope that name something the host reports. */
export const computeCapabilitiesFilter: HostFilter = {
  name: 'ComputeCapabilitiesFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare({ spec }) {
    const demands = Object.entries(spec.flavor.extraSpecs).flatMap(([key, required]) => demandOf(key, required))
    if (demands.length === 0) return null
    return host => {
      for (const demand of demands) {
        const verdict = check(host, demand)
        if (verdict !== true) return verdict
      }
      return true
    }
  },
}

function demandOf(key: string, required: string): Demand[] {
  if (key === 'hw:maxphysaddr_bits') {
    return [{ path: ['cpu_info', 'maxphysaddr', 'bits'], required: `>= ${required}`, isScoped: true }]
  }
  const [scope, ...path] = key.split(':')
  if (path.length === 0) return [{ path: [key], required, isScoped: false }]
  return scope === 'capabilities' ? [{ path, required, isScoped: true }] : []
}

function check(host: SchedulerHost, { path, required, isScoped }: Demand): Verdict {
  if (!isScoped && !hasHostAttribute(host, path[0] ?? '')) return true
  const value = hostAttribute(host, path)
  if (value === undefined) return `${path.join(':')} needed to be '${required}', the host does not report it`
  const text = attributeText(value)
  return matchesExtraSpec(text, required) || `${path.join(':')} needed to be '${required}', the host has '${text}'`
}
