import { type DomainRef, isLibvirtError, type LibvirtClient, procedures } from '../rpc/index.ts'

/** Of virDomainCreateFlags: memory that was saved is thrown away. */
const forceBoot = 8
const startPaused = 1

/** Starts of one guest, each of which loses a port to somebody who was quicker. */
const attempts = 5

/**
 * Starts a guest that is defined. libvirt picks the port of its display and QEMU takes it a moment later; another daemon
 * of this machine may have taken it meanwhile. Then libvirt picks again.
 */
export async function boot(
  client: LibvirtClient,
  domain: DomainRef,
  { isPaused }: { readonly isPaused: boolean },
): Promise<void> {
  const flags = forceBoot | (isPaused ? startPaused : 0)
  for (let attempt = 1; ; attempt++) {
    try {
      await client.call(procedures.create, { domain, flags }, 'long')
      return
    } catch (error) {
      const isTaken = isLibvirtError(error) && /find an available port|Address already in use/.test(error.message)
      if (!isTaken || attempt === attempts) throw error
    }
  }
}
