import type { GuestSpec } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'

/** Limits of one disk, under libvirt's names, in the order in which they are written. */
const limits = [
  'total_bytes_sec',
  'read_bytes_sec',
  'write_bytes_sec',
  'total_iops_sec',
  'read_iops_sec',
  'write_iops_sec',
  'total_bytes_sec_max',
  'read_bytes_sec_max',
  'write_bytes_sec_max',
  'total_iops_sec_max',
  'read_iops_sec_max',
  'write_iops_sec_max',
  'size_iops_sec',
] as const
type Limits = Partial<Record<(typeof limits)[number], number>>

const pick = (valueOf: (limit: string) => unknown): Limits =>
  Object.fromEntries(
    limits.flatMap(limit => {
      const value = valueOf(limit)
      const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,18}$/.test(value.trim()))
      return isNumber ? [[limit, Number(value)]] : []
    }),
  )

/** `quota:disk_read_bytes_sec` and its like: for disks on the host, each by itself. */
export const flavorTuning = ({ flavor }: GuestSpec): Limits => pick(limit => flavor.extraSpecs[`quota:disk_${limit}`])

/** The front-end limits of the volume's type. */
export const volumeTuning = (data: Readonly<Record<string, unknown>>): Limits => {
  const specs = data['qos_specs']
  return typeof specs === 'object' && specs !== null ? pick(limit => (specs as Record<string, unknown>)[limit]) : {}
}

export const diskTuning = (tuning: Limits): XmlElement | undefined => {
  const set = limits.flatMap(limit => {
    const value = tuning[limit]
    return value === undefined ? [] : [element(limit, {}, value)]
  })
  return set.length === 0 ? undefined : element('iotune', {}, set)
}
