import type { GuestSpec } from '../../guest-spec.ts'
import { cpuPins } from './cpu-pins.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { extraSpec, wholeNumber } from './properties.ts'

const limits = ['shares', 'period', 'quota'] as const

/** What the flavor says about the guest's share of the processors. */
const quotas = (spec: GuestSpec): readonly XmlElement[] =>
  limits.flatMap(name => {
    const value = wholeNumber(extraSpec(spec, `quota:cpu_${name}`))
    return value === undefined ? [] : [element(name, {}, value)]
  })

/** Each gives a part of the guest's cputune: pins of NUMA guests belong here too. */
const parts: readonly ((spec: GuestSpec, host: DomainHost) => readonly XmlElement[])[] = [quotas, cpuPins]

export const cpuTuning: Family = (spec, host) => {
  const children = parts.flatMap(part => part(spec, host))
  return children.length === 0 ? undefined : element('cputune', {}, children)
}

/** Nova's words; the second half is for hosts with control groups of version 2, where Nova leaves it to libvirt. */
export function cpuTuningComplaint(spec: GuestSpec, { canLimitCpu, cpuShares }: DomainHost): string | undefined {
  if (quotas(spec).length === 0) return undefined
  if (!canLimitCpu) return 'Requested CPU control policy not supported by host'
  const shares = wholeNumber(extraSpec(spec, 'quota:cpu_shares'))
  if (shares === undefined || cpuShares === undefined) return undefined
  const { least, most } = cpuShares
  if (shares >= least && shares <= most) return undefined
  return `quota:cpu_shares is ${shares}, and this host (control groups of version 2) knows ${least} to ${most}`
}
