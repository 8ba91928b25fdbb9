import { parseArgs } from 'node:util'
import { createLog, systemClock } from '#base'
import { guardGuests } from '#compute'
import { libvirtFencing } from '#virt/libvirt'

/** `nova-compute-guard --lease FILE --libvirt SOCKET`; the exit code. What asks it to end is its lease alone. */
export async function runGuard(argv: readonly string[]): Promise<number> {
  const options = { lease: { type: 'string' }, libvirt: { type: 'string' } } as const
  const { lease: file, libvirt } = parseArgs({ args: [...argv], options }).values
  const log = createLog({ service: 'nova-compute-guard' })
  if (file === undefined || libvirt === undefined) {
    log.error('nova-compute-guard is started by nova-compute, with --lease FILE and --libvirt SOCKET')
    return 2
  }
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => undefined)
  await guardGuests({ file, fencing: libvirtFencing(libvirt), clock: systemClock, log })
  return 0
}
