import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/**
 * The contents of shares: a folder each, which hosts of the same machine reach by its path. Nobody but the superuser gets
 * in; guests come through their hypervisor.
 */
export class Folders {
  readonly #root: string

  constructor(root: string) {
    this.#root = resolve(root)
  }

  /** Also the share's export location. */
  pathOf(instanceId: string): string {
    return join(this.#root, `share-${instanceId}`)
  }

  async make(instanceId: string): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o711 })
    await mkdir(this.pathOf(instanceId), { recursive: true, mode: 0o700 })
  }

  async remove(instanceId: string): Promise<void> {
    await rm(this.pathOf(instanceId), { recursive: true, force: true })
  }
}
