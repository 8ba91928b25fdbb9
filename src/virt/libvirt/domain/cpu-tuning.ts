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

export const cpuTuningComplaint = (spec: GuestSpec, host: DomainHost): string | undefined =>
  quotas(spec).length > 0 && !host.canLimitCpu ? 'Requested CPU control policy not supported by host' : undefined
