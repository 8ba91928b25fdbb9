import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { processes } from '../virt/processes.ts'
import type { MachineHost } from './machine-hosts.ts'

/** What a host's daemon makes is in the namespace of the daemon. */
function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}

function processesOf({ folder }: MachineHost, isWanted: (commandLine: string) => boolean): number[] {
  const namespace = pidNamespace(Number(readFileSync(join(folder, 'libvirt/init.pid'), 'utf8')))
  return processes()
    .filter(({ commandLine }) => isWanted(commandLine))
    .map(({ pid }) => pid)
    .filter(pid => pidNamespace(pid) === namespace)
}

/** Pids of the guest's QEMU on this host. */
export const qemusOn = (host: MachineHost, id: string): number[] =>
  processesOf(host, line => line.includes('qemu-system') && line.includes(`-uuid\0${id}`))

/** Pids of this host's libvirtd, which is started again when it dies. */
export const libvirtdsOn = (host: MachineHost): number[] => processesOf(host, line => line.startsWith('libvirtd\0'))
