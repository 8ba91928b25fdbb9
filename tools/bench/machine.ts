import { accessSync, constants, readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** Where the figures come from: without it they mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryMiB: number
  readonly loadAtStart: number
  readonly node: string
  readonly kernel: string
  readonly guestsRunUnder: 'KVM' | 'TCG'
}

function hasKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return false
  }
  return /\b(vmx|svm)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryMiB: Math.round(totalmem() / 1_048_576),
  loadAtStart: loadavg()[0] ?? Number.NaN,
  node: process.versions.node,
  kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
  guestsRunUnder: hasKvm() ? 'KVM' : 'TCG',
})

export const machineLines = (m: Machine): string =>
  [
    `${m.cores} x ${m.cpu}, ${m.memoryMiB} MiB, Linux ${m.kernel}, Node.js ${m.node}, guests under ${m.guestsRunUnder}`,
    `load at start ${m.loadAtStart.toFixed(2)}${m.loadAtStart > 0.5 ? ': this machine is busy, wall times are too long' : ''}`,
  ].join('\n')
