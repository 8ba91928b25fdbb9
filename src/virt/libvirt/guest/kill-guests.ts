import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Fencing } from '../../guest-facets.ts'
import { identityOf, isAlive } from '../daemon/process-identity.ts'

/** A private daemon runs in a namespace of its own, beside those of other hosts on this machine; libvirt's own does not. */
function namespaceOf(socketPath: string): string | undefined {
  const note = join(dirname(dirname(socketPath)), 'init.pid')
  return pidNamespace(existsSync(note) ? Number(readFileSync(note, 'utf8')) : process.pid)
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}

/** The server's id, where this is the command line of a QEMU with a guest of Nova's: by its maker's name, or its folder. */
export function novaGuestOf(commandLine: string): string | undefined {
  const words = commandLine.split('\0')
  if (!/(^|\/)(qemu-|kvm)/.test(words[0] ?? '')) return undefined
  const id = words[words.indexOf('-uuid') + 1] ?? ''
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined
  return commandLine.includes('product=OpenStack Nova') || commandLine.includes(`/${id}/`) ? id : undefined
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/**
 * By the processes of this machine alone: a daemon that hangs, or storage that is gone with the network, must not keep the
 * guests alive.
 */
export const libvirtFencing = (socketPath: string): Fencing => ({
  killAll: async () => {
    const namespace = namespaceOf(socketPath)
    let found = 0
    // Its daemon is gone, and all that was in its namespace with it.
    if (namespace === undefined) return found
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (!Number.isInteger(pid)) continue
      const identity = identityOf(pid)
      if (identity === undefined || novaGuestOf(commandLineOf(pid)) === undefined) continue
      if (pidNamespace(pid) !== namespace || !isAlive(identity)) continue
      found++
      process.kill(pid, 'SIGKILL')
    }
    return found
  },
  guardArguments: ['--libvirt', socketPath],
})
