import { execFile } from 'node:child_process'
import { HypervisorNotInstalled } from '../faults.ts'
import { aptPackages } from './packages.ts'
import { programPath } from './programs.ts'

export interface ProgramResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Nova's images_address_space_limit; a crafted image must not eat the host's memory. */
const addressSpaceBytes = 2 * 1024 ** 3

/**
 * qemu-img under limits of CPU time and memory. Callers always name the format (`-f`): letting QEMU guess is how a raw
 * image becomes a qcow2 with a backing file on the host.
 */
export const qemuImg = (args: readonly string[], limits: { cpuSeconds: number }): Promise<ProgramResult> =>
  runLimited('qemu-img', args, limits)

export function runLimited(
  program: string,
  args: readonly string[],
  limits: { cpuSeconds: number },
): Promise<ProgramResult> {
  const all = [`--cpu=${limits.cpuSeconds}`, `--as=${addressSpaceBytes}`, '--', program, ...args]
  const environment = { PATH: programPath, LC_ALL: 'C' }
  return new Promise((resolve, reject) => {
    execFile('prlimit', all, { env: environment, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') {
        return reject(HypervisorNotInstalled({ programs: `prlimit, ${program}`, packages: aptPackages.join(' ') }))
      }
      // A signal (the CPU limit among them) leaves no exit code.
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ exitCode, stdout, stderr: stderr.trim() })
    })
  })
}
