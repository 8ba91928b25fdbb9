import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newUuid } from '#base'
import type { GuestImage, ImageSource } from '#virt'

/** An image service of one process: images are files or bytes, and it counts who asks. */
export class TestImages implements ImageSource {
  readonly #content = new Map<string, string | Buffer>()
  readonly #local = new Set<string>()
  downloads = 0
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  add(content: string | Buffer, overrides: Partial<GuestImage> = {}, options: { isLocal?: boolean } = {}): GuestImage {
    const id = newUuid()
    this.#content.set(id, content)
    if (options.isLocal === true) this.#local.add(id)
    const bytes = typeof content === 'string' ? readFileSync(content) : content
    return {
      id,
      name: 'test',
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      sizeBytes: bytes.length,
      checksum: createHash('md5').update(bytes).digest('hex'),
      hashAlgorithm: null,
      hashValue: null,
      minDiskGiB: 0,
      minRamMiB: 0,
      properties: {},
      ...overrides,
    }
  }

  async download(image: GuestImage): Promise<AsyncIterable<Uint8Array>> {
    this.downloads++
    return createReadStream(this.#path(image))
  }

  async localPath(image: GuestImage): Promise<string | undefined> {
    return this.#local.has(image.id) ? this.#path(image) : undefined
  }

  #path(image: GuestImage): string {
    const content = this.#content.get(image.id)
    if (content === undefined) throw new Error(`no image ${image.id}`)
    if (typeof content === 'string') return content
    const path = join(this.folder, image.id)
    if (!existsSync(path)) writeFileSync(path, content)
    return path
  }
}
