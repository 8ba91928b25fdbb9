import { instanceId, type Limiter } from '#base'
import type { ComputeContract, Handlers, SnapshotOrder } from '#bus'
import { ImageNotFound, type ImagePort } from '#cloud'
import { HypervisorError, type VirtDriver } from '#virt'
import type { GuestActors } from './guest-actors.ts'

/** The bits, until somebody wants no more of them. */
async function* until(signal: AbortSignal, bits: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bits) {
    signal.throwIfAborted()
    yield chunk
  }
  signal.throwIfAborted()
}

/**
 * Snapshots on their way from this host to the image service, in Nova's own name: the user's token may have expired by
 * the time a large disk is up. The image is the user's; its record was made with his rights.
 */
export class Uploads {
  readonly #driver: VirtDriver
  readonly #images: () => ImagePort
  readonly #limit: Limiter
  readonly #running = new Map<string, AbortController>()

  constructor(driver: VirtDriver, images: () => ImagePort, limit: Limiter) {
    this.#driver = driver
    this.#images = images
    this.#limit = limit
  }

  /** A guest that goes does not wait for its snapshot, which nobody wants any more. */
  abort(guestId: string): void {
    this.#running.get(guestId)?.abort(HypervisorError({ operation: 'snapshot', reason: 'the guest is being removed' }))
  }

  /** False: the image is gone, and with it whoever wanted it. Uploaded by an earlier call: nothing to do. */
  async run(order: SnapshotOrder): Promise<boolean> {
    const stop = new AbortController()
    this.#running.set(order.id, stop)
    try {
      const image = await this.#images().get('service', order.imageId)
      if (image.status !== 'active') await this.#limit.run(() => this.#upload(order, stop.signal))
      return true
    } catch (error) {
      if (ImageNotFound.is(error)) return false
      throw error
    } finally {
      this.#running.delete(order.id)
    }
  }

  async #upload(order: SnapshotOrder, signal: AbortSignal) {
    const { id, imageId, diskFormat, containerFormat, properties, encryption } = order
    const { snapshots } = this.#driver
    if (snapshots === undefined)
      throw HypervisorError({ operation: 'snapshot', reason: 'this hypervisor cannot copy the disks of guests' })
    signal.throwIfAborted()
    const images = this.#images()
    const quiesce = order.requiresQuiesce ? 'required' : 'ifPossible'
    const wish = { quiesce, signal, ...(encryption === undefined ? {} : { encryption }) } as const
    const snapshot = await snapshots.take(instanceId(id), wish)
    try {
      // What is encrypted is nothing else, whatever the image that it came from was.
      const asked = encryption === undefined ? diskFormat : null
      const formats = { diskFormat: asked ?? snapshot.diskFormat, containerFormat }
      await images.update('service', imageId, { ...formats, properties })
      await images.upload('service', imageId, until(signal, snapshot.bits))
    } finally {
      await snapshot.release()
    }
  }
}

export const snapshotHandlers = (
  uploads: Uploads,
  actors: GuestActors,
): Pick<Handlers<ComputeContract>, 'snapshot'> => ({
  snapshot: async order => ({
    isUploaded: await actors.run(order.id, 'snapshot', () => uploads.run(order)),
  }),
})
