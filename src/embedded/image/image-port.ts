import { createReadStream } from 'node:fs'
import { MiB } from '#base'
import { type As, ImageNotFound, type ImagePort, ImageUnavailable } from '#cloud'
import type { Bits } from './bits.ts'
import { imageOf, type Records } from './records.ts'
import { isAdmin, isListed, maySee } from './rights.ts'
import type { ImageRow } from './store/rows.ts'

/** The image service as the others in this process see it. */
export function imagePort(records: Records, bits: Bits): ImagePort {
  const { state } = records
  const get = (as: As, id: string): ImageRow => {
    const row = state.table('image_images').get(id)
    if (row === undefined || (as !== 'service' && !maySee(state, as, row))) throw ImageNotFound({ id })
    return row
  }
  const pathOf = (as: As, id: string): string => {
    const row = get(as, id)
    const isReadable = row.status === 'active' || (row.status === 'deactivated' && as !== 'service' && isAdmin(as))
    if (!isReadable || row.file_name === null) throw ImageUnavailable({ id, reason: `Image is ${row.status}` })
    return bits.pathOf(row.file_name)
  }
  return {
    async get(as, id) {
      return imageOf(get(as, id))
    },
    async list(as) {
      const rows = state.table('image_images').all()
      const listed = (row: ImageRow) =>
        as === 'service' || (row.visibility !== 'community' && isListed(state, as, row, 'accepted'))
      return rows.filter(row => row.is_hidden === 0 && listed(row)).map(imageOf)
    },
    async download(as, id) {
      return createReadStream(pathOf(as, id), { highWaterMark: MiB })
    },
    async localPath(as, id) {
      return pathOf(as, id)
    },
  }
}
