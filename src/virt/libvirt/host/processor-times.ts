import type { ProcessorTimes } from '../../driver.ts'

/** The kernel counts in hundredths of a second. */
const nsPerTick = 10_000_000

/** From `/proc/stat` and `/proc/cpuinfo`, added up as libvirt does. */
export function processorTimes(stat: string, cpuinfo: string): ProcessorTimes {
  const line = /^cpu\s+(.*)$/m.exec(stat)?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = line.split(/\s+/).map(Number)
  const frequencyMHz = Math.round(Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(cpuinfo)?.[1] ?? 0))
  return {
    user: (user + nice) * nsPerTick,
    kernel: (system + irq + softirq) * nsPerTick,
    idle: idle * nsPerTick,
    iowait: iowait * nsPerTick,
    frequencyMHz,
  }
}
