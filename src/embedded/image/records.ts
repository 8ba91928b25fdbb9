import { type Clock, fromJson, type Log } from '#base'
import { type Image, ImageNotFound } from '#cloud'
import type { Bits, StoredBits } from './bits.ts'
import { badTransition, Conflict, Forbidden, Gone, Invalid, NoImage } from './faults.ts'
import type { ImageRow } from './store/rows.ts'
import type { ImageState } from './store/state.ts'

export const tagsOf = (row: ImageRow): string[] => fromJson<string[]>(row.tags)
export const propertiesOf = (row: ImageRow): Record<string, string> => fromJson<Record<string, string>>(row.properties)

/** The image as the port shows it. */
export const imageOf = (row: ImageRow): Image => ({
  id: row.id,
  name: row.name,
  status: row.status,
  visibility: row.visibility,
  ownerId: row.owner,
  diskFormat: row.disk_format,
  containerFormat: row.container_format,
  sizeBytes: row.size_bytes,
  virtualSizeBytes: row.virtual_size_bytes,
  minDiskGiB: row.min_disk_gib,
  minRamMiB: row.min_ram_mib,
  checksum: row.checksum,
  hashAlgorithm: row.hash_algorithm,
  hashValue: row.hash_value,
  isProtected: row.is_protected === 1,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  tags: tagsOf(row),
  properties: propertiesOf(row),
})

const empty = {
  size_bytes: null,
  virtual_size_bytes: null,
  checksum: null,
  hash_algorithm: null,
  hash_value: null,
  file_name: null,
} as const

/** Why an image that this process was to build has no bits. */
export const failureProperty = 'build_failure'

/**
 * Images and the way their bits come and go.
 *
 * Theory of operation. queued -> saving (one upload claims it) -> active; an upload that fails puts it back to queued. A
 * claim lives in memory only, because an upload cannot outlive the process: `recover` turns every `saving` back at start.
 * Bits are on disk before the row names them and the row forgets them before they go, so an active image always has all
 * its bits, and a crash anywhere leaves at worst a file that no row names, which `recover` removes. An image deleted
 * during its upload takes the claim with it: the upload finds that out at its end, removes its file and answers 410.
 */
export class Records {
  readonly state: ImageState
  readonly #bits: Bits
  readonly #clock: Clock
  readonly #log: Log
  readonly #claims = new Map<string, symbol>()
  readonly #filling = new Set<Promise<unknown>>()

  constructor(parts: { state: ImageState; bits: Bits; clock: Clock; log: Log }) {
    this.state = parts.state
    this.#bits = parts.bits
    this.#clock = parts.clock
    this.#log = parts.log
  }

  now(): number {
    return this.#clock.now()
  }

  get(id: string): ImageRow {
    const row = this.state.table('image_images').get(id)
    if (row === undefined) throw ImageNotFound({ id })
    return row
  }

  /** Cleans up after a process that was killed. */
  async recover(): Promise<void> {
    const rows = this.state.table('image_images').all()
    const interrupted = rows.filter(row => row.status === 'saving')
    await this.state.change(change => {
      for (const row of interrupted) change.put('image_images', { ...row, ...empty, status: 'queued' })
    })
    for (const row of interrupted) this.#log.warn({ image_id: row.id }, 'interrupted upload: the image is queued again')
    const named = new Set(rows.flatMap(row => (row.status === 'saving' ? [] : (row.file_name ?? []))))
    for (const file of await this.#bits.prepare(named)) this.#log.warn({ file }, 'removed a file that no image names')
  }

  async create(
    row: Omit<ImageRow, 'created_at_ms' | 'updated_at_ms' | 'status' | keyof typeof empty>,
  ): Promise<ImageRow> {
    const now = this.#clock.now()
    const made: ImageRow = { ...row, ...empty, status: 'queued', created_at_ms: now, updated_at_ms: now }
    await this.state.change(change => {
      if (this.state.table('image_images').get(row.id) !== undefined) {
        throw Conflict({ reason: `Image ID ${row.id} already exists!` })
      }
      change.put('image_images', made)
    })
    return made
  }

  /** One atomic change of one image; `next` sees the newest row, may throw, and may return it to change nothing. */
  update(id: string, next: (row: ImageRow) => ImageRow): Promise<ImageRow> {
    return this.state.change(change => {
      const row = this.state.table('image_images').get(id)
      if (row === undefined) throw NoImage({ id })
      const wanted = next(row)
      if (wanted === row) return row
      const changed = { ...wanted, updated_at_ms: this.#clock.now() }
      change.put('image_images', changed)
      return changed
    })
  }

  async remove(id: string): Promise<void> {
    const row = await this.state.change(change => {
      const row = this.state.table('image_images').get(id)
      if (row === undefined) throw NoImage({ id })
      if (row.is_protected === 1) {
        throw Forbidden({ reason: `Image ${id} is protected and cannot be deleted.` })
      }
      for (const member of this.state.table('image_members').by('image', id)) change.remove('image_members', member)
      change.remove('image_images', row)
      return row
    })
    this.#claims.delete(id)
    if (row.file_name !== null) await this.#bits.remove(row.file_name)
  }

  /** Fills a queued image from `store`, which leaves one new file behind or throws. */
  fill(id: string, store: (row: ImageRow) => Promise<StoredBits>): Promise<ImageRow> {
    const work = this.#fill(id, store).finally(() => this.#filling.delete(work))
    this.#filling.add(work)
    return work
  }

  /** Waits for uploads under way, which end soon once their connections are closed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#filling)
  }

  async #fill(id: string, store: (row: ImageRow) => Promise<StoredBits>): Promise<ImageRow> {
    const claim = Symbol(id)
    const row = await this.#claim(id, claim)
    let stored: StoredBits
    try {
      stored = await store(row)
    } catch (error) {
      await this.#release(id, claim)
      throw error
    }
    return this.#finish(id, claim, stored)
  }

  #claim(id: string, claim: symbol): Promise<ImageRow> {
    return this.state.change(change => {
      const row = this.state.table('image_images').get(id)
      if (row === undefined) throw NoImage({ id })
      if (row.status !== 'queued') throw badTransition(row.status, 'saving')
      const missing = (['disk_format', 'container_format'] as const).filter(key => row[key] === null)
      if (missing.length > 0) {
        const noun = missing.length === 1 ? 'Property' : 'Properties'
        throw Invalid({ reason: `${noun} ${missing.join(', ')} must be set prior to saving data.` })
      }
      const saving: ImageRow = { ...row, status: 'saving', updated_at_ms: this.#clock.now() }
      change.put('image_images', saving)
      this.#claims.set(id, claim)
      return saving
    })
  }

  async #release(id: string, claim: symbol): Promise<void> {
    await this.state.change(change => {
      const row = this.#claims.get(id) === claim ? this.state.table('image_images').get(id) : undefined
      if (row !== undefined) change.put('image_images', { ...row, ...empty, status: 'queued' })
    })
    if (this.#claims.get(id) === claim) this.#claims.delete(id)
  }

  async #finish(id: string, claim: symbol, stored: StoredBits): Promise<ImageRow> {
    try {
      return await this.state.change(change => {
        const row = this.#claims.get(id) === claim ? this.state.table('image_images').get(id) : undefined
        if (row === undefined) {
          throw Gone({
            reason: `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
          })
        }
        const active: ImageRow = {
          ...row,
          status: 'active',
          size_bytes: stored.sizeBytes,
          virtual_size_bytes: stored.virtualSizeBytes,
          checksum: stored.checksum,
          hash_algorithm: stored.hashAlgorithm,
          hash_value: stored.hashValue,
          file_name: stored.fileName,
          updated_at_ms: this.#clock.now(),
        }
        change.put('image_images', active)
        return active
      })
    } catch (error) {
      await this.#bits.remove(stored.fileName)
      await this.#release(id, claim)
      throw error
    } finally {
      if (this.#claims.get(id) === claim) this.#claims.delete(id)
    }
  }
}
