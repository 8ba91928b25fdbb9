import { HypervisorError } from '../../faults.ts'
import { runLimited } from '../images/qemu-img.ts'

const lookCpuSeconds = 10

/**
 * Throws when a QEMU works on one of the disks, be it on another host that shares them: every QEMU locks what it writes.
 * Opened for writing, for readers of raw files do not mind writers; nothing is written.
 */
export async function mustNotBeInUse(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const { exitCode, stderr } = await runLimited('qemu-io', ['-f', 'raw', '-c', 'quit', path], {
      cpuSeconds: lookCpuSeconds,
    })
    if (exitCode !== 0) throw HypervisorError({ operation: 'spawn', reason: stderr })
  }
}
