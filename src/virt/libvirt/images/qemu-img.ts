import { execFile } from 'node:child_process'
import { HypervisorNotInstalled } from '../../faults.ts'
import { aptPackages } from '../daemon/packages.ts'
import { programPath } from '../daemon/programs.ts'

export interface ProgramResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramLimits {
  readonly cpuSeconds: number
  /** 2 GiB by default. */
  readonly addressSpaceBytes?: number
  /** What it reads from its standard input: a secret that must not lie on a disk. */
  readonly input?: Uint8Array
  /** Ends the program. */
  readonly signal?: AbortSignal
}

/** A crafted image must not eat the host's memory. */
const defaultAddressSpaceBytes = 2 * 1024 ** 3

/**
 * qemu-img under limits of CPU time and memory. Callers always name the format (`-f`): letting QEMU guess is how a raw
 * image becomes a qcow2 with a backing file on the host.
 */
export const qemuImg = (args: readonly string[], limits: ProgramLimits): Promise<ProgramResult> =>
  runLimited('qemu-img', args, limits)

/** Ends with us: what a process before us was writing must not go on growing when its file is taken away. */
const withUs = ['setpriv', '--pdeathsig', 'KILL', '--']

export function runLimited(program: string, args: readonly string[], limits: ProgramLimits): Promise<ProgramResult> {
  const { cpuSeconds, addressSpaceBytes = defaultAddressSpaceBytes, signal, input } = limits
  const all = [`--cpu=${cpuSeconds}`, `--as=${addressSpaceBytes}`, '--', ...withUs, program, ...args]
  const environment = { PATH: programPath, LC_ALL: 'C' }
  return new Promise((resolve, reject) => {
    const settings = { env: environment, maxBuffer: 16 * 1024 * 1024, killSignal: 'SIGKILL' as const }
    const child = execFile(
      'prlimit',
      all,
      { ...settings, ...(signal === undefined ? {} : { signal }) },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') {
          return reject(HypervisorNotInstalled({ programs: `prlimit, ${program}`, packages: aptPackages.join(' ') }))
        }
        // A signal (the CPU limit among them) leaves no exit code.
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
        resolve({ exitCode, stdout, stderr: stderr.trim() })
      },
    )
    if (input === undefined) return
    // It may end before it has read all: its exit code says so.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}
