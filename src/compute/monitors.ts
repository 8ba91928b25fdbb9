import type { Clock, Log } from '#base'
import type { NodeMetric } from '#model'
import type { HostView, ProcessorTimes } from '#virt'

/** What `[DEFAULT] compute_monitors` may name; in full, without the front, or without a kind as it once was. */
const cpuMonitor = 'nova.compute.monitors.cpu.virt_driver'

const fullName = (name: string): string => {
  const kind = name.includes('.') ? name : `cpu.${name}`
  return kind.startsWith('nova.compute.monitors.') ? kind : `nova.compute.monitors.${kind}`
}

const counted = ['user', 'kernel', 'idle', 'iowait'] as const
const nothing: ProcessorTimes = { user: 0, kernel: 0, idle: 0, iowait: 0, frequencyMHz: 0 }
const total = (times: ProcessorTimes): number => counted.reduce((sum, name) => sum + times[name], 0)
const busy = ({ user, kernel, iowait }: ProcessorTimes): number => user + kernel + iowait

/** Times since the host was switched on, and percentages since the look before; at the first look, since the same. */
export function processorMetrics(now: ProcessorTimes, before = nothing): readonly (readonly [string, number])[] {
  const passed = total(now) - total(before)
  const percent = (part: number) => (passed > 0 ? Math.trunc((part / passed) * 100) : 0)
  return [
    ...counted.map(name => [`cpu.${name}.time`, Math.trunc(now[name])] as const),
    ['cpu.frequency', now.frequencyMHz],
    ...counted.map(name => [`cpu.${name}.percent`, percent(now[name] - before[name])] as const),
    ['cpu.percent', percent(busy(now) - busy(before))],
  ]
}

/** Measures this host for the scheduler's metrics weigher and filter, as far as the operator wants it. */
export class ComputeMonitors {
  readonly #isOn: boolean
  #before: ProcessorTimes | undefined

  constructor(names: readonly string[], log: Log) {
    const wanted = names.map(fullName)
    this.#isOn = wanted.includes(cpuMonitor)
    const unknown = wanted.filter(name => name !== cpuMonitor)
    if (unknown.length > 0)
      log.warn({ monitors: unknown, known: [cpuMonitor] }, 'compute_monitors names what there is not')
  }

  async metrics(host: HostView, source: string, clock: Clock): Promise<readonly NodeMetric[]> {
    if (!this.#isOn || host.processorTimes === undefined) return []
    const now = await host.processorTimes()
    const found = processorMetrics(now, this.#before)
    this.#before = now
    const atMs = clock.now()
    return found.map(([name, value]) => ({ name, value, atMs, source }))
  }
}
