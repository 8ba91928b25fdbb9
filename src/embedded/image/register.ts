import type { Image } from '#cloud'
import type { Bits } from './bits.ts'
import { failureProperty, imageOf, propertiesOf, type Records, tagsOf } from './records.ts'
import type { ImageRow, Visibility } from './store/rows.ts'

/** An image that this process makes itself, known before it has bits. */
export interface Reservation {
  /** Chosen by the caller and kept for ever: reserving twice gives the same image. */
  readonly id: string
  readonly name: string
  readonly diskFormat: string
  readonly containerFormat?: string
  readonly visibility?: Visibility
  readonly ownerId?: string
  readonly minDiskGiB?: number
  readonly minRamMiB?: number
  readonly properties?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
}

/** How images that are built in the background come to be; the rest of the process calls it. */
export interface ImageRegister {
  /**
   * The record, `queued`, with these attributes. May be repeated: until there are bits the newest reservation counts
   * (and a failed build is forgotten); an image that has bits is left as it is.
   */
  reserve(wanted: Reservation): Promise<Image>
  /**
   * Makes it active with the bits of a local file, which must not be changed afterwards (it may become a hard link). An
   * image that has bits already is left as it is.
   */
  publish(id: string, file: string): Promise<Image>
  /** The build failed: status `killed`, and the message in property `build_failure`. An active image stays active. */
  fail(id: string, message: string): Promise<Image>
}

/** True for an image that waits to be built, or whose build failed. */
const isPending = (row: ImageRow): boolean => row.status === 'queued' || row.status === 'killed'

function revived(row: ImageRow): ImageRow {
  const { [failureProperty]: _, ...properties } = propertiesOf(row)
  return { ...row, status: 'queued', properties: JSON.stringify(properties) }
}

/** The attributes that a reservation settles. */
const wished = (wanted: Reservation) => ({
  name: wanted.name,
  visibility: wanted.visibility ?? 'public',
  owner: wanted.ownerId ?? null,
  disk_format: wanted.diskFormat,
  container_format: wanted.containerFormat ?? 'bare',
  min_disk_gib: wanted.minDiskGiB ?? 0,
  min_ram_mib: wanted.minRamMiB ?? 0,
})

export function imageRegister(records: Records, bits: Bits): ImageRegister {
  const known = (id: string) => records.state.table('image_images').get(id)
  return {
    async reserve(wanted) {
      const row = known(wanted.id)
      if (row !== undefined) {
        const renew = (old: ImageRow): ImageRow => {
          if (!isPending(old)) return old
          const properties = { ...propertiesOf(revived(old)), ...wanted.properties }
          const tags = [...new Set([...tagsOf(old), ...(wanted.tags ?? [])])]
          return {
            ...revived(old),
            ...wished(wanted),
            properties: JSON.stringify(properties),
            tags: JSON.stringify(tags),
          }
        }
        return imageOf(isPending(row) ? await records.update(wanted.id, renew) : row)
      }
      const created = await records.create({
        id: wanted.id,
        ...wished(wanted),
        is_protected: 0,
        is_hidden: 0,
        tags: JSON.stringify(wanted.tags ?? []),
        properties: JSON.stringify(wanted.properties ?? {}),
      })
      return imageOf(created)
    },
    async publish(id, file) {
      const row = records.get(id)
      if (row.status === 'active' || row.status === 'deactivated') return imageOf(row)
      if (row.status === 'killed') await records.update(id, revived)
      return imageOf(await records.fill(id, filling => bits.adopt(id, filling.disk_format, file)))
    },
    async fail(id, message) {
      const row = await records.update(id, row => {
        if (row.status === 'active' || row.status === 'deactivated') return row
        const properties = { ...propertiesOf(row), [failureProperty]: message }
        return { ...row, status: 'killed', properties: JSON.stringify(properties) }
      })
      return imageOf(row)
    },
  }
}
