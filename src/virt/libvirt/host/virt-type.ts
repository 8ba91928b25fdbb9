import { existsSync, readFileSync } from 'node:fs'
import type { Log } from '#base'
import type { VirtType } from '../domain/index.ts'

export interface KvmEvidence {
  readonly hasDevice: boolean
  /** vmx or svm in /proc/cpuinfo. */
  readonly hasCpuFlag: boolean
  /** kvm_intel or kvm_amd. */
  readonly hasModule: boolean
}

export const kvmEvidence = (): KvmEvidence => ({
  hasDevice: existsSync('/dev/kvm'),
  hasCpuFlag: /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8')),
  hasModule: existsSync('/sys/module/kvm_intel') || existsSync('/sys/module/kvm_amd'),
})

/**
 * KVM only where the hardware offers it. The mere presence of /dev/kvm proves nothing: with a paravirtual module behind it
 * QEMU starts and says `running`, and no guest gets past its boot loader.
 */
export function whyNotKvm(evidence: KvmEvidence): string | undefined {
  if (!evidence.hasDevice) return '/dev/kvm does not exist'
  if (!evidence.hasCpuFlag) return 'the processor offers neither vmx nor svm'
  if (!evidence.hasModule) return 'neither kvm_intel nor kvm_amd is loaded'
  return undefined
}

export function chooseVirtType(wanted: 'auto' | VirtType, log: Log, evidence: KvmEvidence = kvmEvidence()): VirtType {
  if (wanted !== 'auto') return wanted
  const reason = whyNotKvm(evidence)
  if (reason === undefined) return 'kvm'
  log.warn({ reason }, 'guests run emulated (TCG), not by KVM')
  return 'qemu'
}
