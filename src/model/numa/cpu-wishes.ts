import { cpusOfMask } from './cpu-list.ts'
import { InvalidNumaRequest } from './faults.ts'
import { isSet, type NumaSource, type Wish, wish } from './wishes.ts'

const refuse = (text: string) => InvalidNumaRequest({ text })

const policies = ['dedicated', 'shared', 'mixed'] as const
const threadPolicies = ['prefer', 'isolate', 'require'] as const
const emulatorPolicies = ['share', 'isolate'] as const

export type CpuPolicy = (typeof policies)[number]
export type ThreadPolicy = (typeof threadPolicies)[number]

/** Values as Nova prints a tuple. */
const listed = (values: readonly string[]): string => `(${values.map(v => `'${v}'`).join(', ')})`

function checked<T extends string>(what: string, { flavor, image }: Wish, known: readonly T[]) {
  const one = (value: string | undefined, source: string): T | undefined => {
    if (!isSet(value)) return undefined
    const found = known.find(k => k === value)
    if (found !== undefined) return found
    throw refuse(`${what} requested from '${source}' is invalid, given: '${value}', available: '${listed(known)}'.`)
  }
  return { flavor: one(flavor, 'flavor extra specs'), image: one(image, 'image properties') }
}

export function cpuPolicyOf(source: NumaSource): CpuPolicy | undefined {
  const { flavor, image } = checked('CPU policy', wish(source, 'cpu_policy'), policies)
  const isOverridden =
    (flavor === 'mixed' && image === 'dedicated') || (flavor === 'shared' && image !== undefined && image !== 'shared')
  if (isOverridden)
    throw refuse(
      "Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against the flavor",
    )
  return flavor ?? image
}

export function threadPolicyOf(source: NumaSource): ThreadPolicy | undefined {
  const { flavor, image } = checked('CPU thread policy', wish(source, 'cpu_thread_policy'), threadPolicies)
  if (flavor === undefined || flavor === 'prefer') return flavor ?? image
  if (image !== undefined && image !== flavor)
    throw refuse(
      "Image property 'hw_cpu_thread_policy' is not permitted to override CPU thread pinning policy set against the flavor",
    )
  return flavor
}

export function emulatorPolicyOf({ flavor }: NumaSource): (typeof emulatorPolicies)[number] | undefined {
  const asked = flavor.extraSpecs['hw:emulator_threads_policy']
  if (!isSet(asked)) return undefined
  const found = emulatorPolicies.find(k => k === asked)
  if (found !== undefined) return found
  throw refuse(
    `CPU emulator threads option requested is invalid, given: '${asked}', available: '${listed(emulatorPolicies)}'.`,
  )
}

const truthy = new Set(['1', 't', 'true', 'on', 'y', 'yes'])

/** The CPUs of `hw:cpu_realtime` guests that must never wait; undefined when no real time is asked for. */
export function realtimeCpusOf(source: NumaSource): ReadonlySet<number> | undefined {
  const { vcpus, extraSpecs } = source.flavor
  if (!truthy.has((extraSpecs['hw:cpu_realtime'] ?? '').trim().toLowerCase())) return undefined
  const { flavor, image } = wish(source, 'cpu_realtime_mask')
  const mask = isSet(image) ? image : flavor
  const cpus = isSet(mask) ? cpusOfMask(mask, vcpus) : cpusOfMask(`0-${vcpus - 1}`, vcpus)
  const isAll = cpus.size === vcpus && [...cpus].every(cpu => cpu >= 0 && cpu < vcpus)
  if (cpus.size === 0 || (isAll && emulatorPolicyOf(source) === undefined))
    throw refuse('Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator threads.')
  if ([...cpus].some(cpu => cpu < 0 || cpu >= vcpus))
    throw refuse(
      'Realtime policy vCPU(s) mask is configured with RT vCPUs that are not a subset of the vCPUs in the flavor. ' +
        'See hw:cpu_realtime_mask or hw_cpu_realtime_mask',
    )
  return cpus
}

/** The CPUs of a mixed guest that are its own. */
export function dedicatedCpusOf({ flavor }: NumaSource): ReadonlySet<number> | undefined {
  const mask = flavor.extraSpecs['hw:cpu_dedicated_mask']
  if (!isSet(mask)) return undefined
  const own = cpusOfMask(mask, flavor.vcpus)
  const shared = Array.from({ length: flavor.vcpus }, (_, cpu) => cpu).filter(cpu => !own.has(cpu))
  if (own.size === 0 || shared.length === 0)
    throw refuse("Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. See 'hw:cpu_dedicated_mask'.")
  if ([...own].some(cpu => cpu < 0 || cpu >= flavor.vcpus))
    throw refuse(
      'Mixed instance dedicated vCPU(s) mask is not a subset of vCPUs in the flavor. See "hw:cpu_dedicated_mask"',
    )
  return own
}

/** Those of `realtimeCpusOf`, none where no real time is asked for. */
export const realtimeCpus = (source: NumaSource): ReadonlySet<number> => realtimeCpusOf(source) ?? new Set()
