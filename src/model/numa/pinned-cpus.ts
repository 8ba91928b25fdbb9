import {
  type CpuPolicy,
  cpuPolicyOf,
  dedicatedCpusOf,
  emulatorPolicyOf,
  realtimeCpusOf,
  type ThreadPolicy,
  threadPolicyOf,
} from './cpu-wishes.ts'
import { InvalidNumaRequest } from './faults.ts'
import type { NumaSource } from './wishes.ts'

const refuse = (text: string) => InvalidNumaRequest({ text })

/** How many of a class the flavor's `resources:` ask for; what is no number is another check's matter. */
function asked({ flavor }: NumaSource, resourceClass: string): number {
  const form = new RegExp(`^resources([1-9][0-9]*)?:${resourceClass}`)
  const counts = Object.entries(flavor.extraSpecs).filter(
    ([key, value]) => form.test(key) && /^\s*-?\d+\s*$/.test(value),
  )
  return counts.reduce((sum, [, value]) => sum + Number(value), 0)
}

function hyperthreadingOf({ flavor, imageProperties }: NumaSource): string | undefined {
  const form = /^trait([1-9][0-9]*)?:HW_CPU_HYPERTHREADING/
  const inFlavor = Object.entries(flavor.extraSpecs).find(([key]) => form.test(key))
  return inFlavor?.[1] ?? imageProperties['trait:HW_CPU_HYPERTHREADING']
}

/** A policy may be named, or follow from the resources that the flavor asks for itself. */
function policyOf(source: NumaSource): CpuPolicy | undefined {
  const policy = cpuPolicyOf(source)
  const [shared, own] = [asked(source, 'VCPU'), asked(source, 'PCPU')]
  if (policy !== undefined && (shared !== 0 || own !== 0))
    throw refuse(
      "It is not possible to use the 'resources:VCPU' or 'resources:PCPU' extra specs in combination with the " +
        "'hw:cpu_policy' extra spec or 'hw_cpu_policy' image metadata property; use one or the other",
    )
  if (shared !== 0 && own !== 0)
    throw refuse(
      "It is not possible to specify both 'resources:VCPU' and 'resources:PCPU' extra specs; use one or the other",
    )
  if (own !== 0) {
    const { vcpus } = source.flavor
    const isIsolated = emulatorPolicyOf(source) === 'isolate'
    if (isIsolated && vcpus + 1 !== own)
      throw refuse(
        "You have requested 'hw:emulator_threads_policy=isolate' but have not requested sufficient PCPUs to handle " +
          'this policy; you must allocate exactly flavor.vcpus + 1 PCPUs.',
      )
    if (!isIsolated && vcpus !== own)
      throw refuse(
        "There is a mismatch between the number of PCPUs requested via 'resourcesNN:PCPU' and the flavor); " +
          'you must allocate exactly flavor.vcpus PCPUs',
      )
    return 'dedicated'
  }
  return shared !== 0 ? 'shared' : policy
}

function threadsOf(source: NumaSource): ThreadPolicy | undefined {
  const policy = threadPolicyOf(source)
  const trait = hyperthreadingOf(source)
  if (policy !== undefined && trait !== undefined && trait !== '')
    throw refuse(
      "It is not possible to use the 'trait:HW_CPU_HYPERTHREADING' extra spec in combination with the " +
        "'hw:cpu_thread_policy' extra spec or 'hw_cpu_thread_policy' image metadata property; use one or the other",
    )
  if (trait === 'forbidden') return 'isolate'
  return trait === 'required' ? 'require' : policy
}

export interface CpuPlan {
  readonly isPinned: boolean
  readonly own: ReadonlySet<number>
  readonly policy: CpuPolicy | null
  readonly threads: ThreadPolicy | null
  readonly realtime: ReadonlySet<number>
}

/** The guest's CPUs that are pinned, and whether pinning is asked for at all; wishes that contradict each other are refused. */
export function pinnedCpus(source: NumaSource): CpuPlan {
  const realtime = realtimeCpusOf(source)
  const dedicated = dedicatedCpusOf(source)
  const policy = policyOf(source)
  const threads = threadsOf(source)
  const plan = { policy: policy ?? null, threads: threads ?? null, realtime: realtime ?? new Set<number>() }
  if (policy === 'mixed') {
    if ((realtime === undefined) === (dedicated === undefined))
      throw refuse(
        "Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or 'hw:cpu_realtime_mask' when using " +
          "'mixed' CPU policy. 'hw:cpu_dedicated_mask' and 'hw:cpu_realtime_mask' can not be specified at the same " +
          'time, or be specified with none of them.',
      )
    return { ...plan, isPinned: true, own: dedicated ?? realtime ?? new Set() }
  }
  if (policy !== 'dedicated') {
    if (threads !== undefined)
      throw refuse('Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy')
    if (emulatorPolicyOf(source) === 'isolate')
      throw refuse('An isolated CPU emulator threads option requires a dedicated CPU policy option.')
  }
  if (dedicated !== undefined) throw refuse("Cannot specify 'hw:cpu_dedicated_mask' without the 'mixed' policy.")
  if (policy === 'dedicated')
    return { ...plan, isPinned: true, own: new Set(Array.from({ length: source.flavor.vcpus }, (_, cpu) => cpu)) }
  if (realtime !== undefined) throw refuse('Cannot set realtime policy in a non dedicated cpu pinning policy')
  return { ...plan, isPinned: false, own: new Set() }
}
