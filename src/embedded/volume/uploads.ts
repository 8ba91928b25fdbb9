import { Fault } from '#base'
import type { Image } from '#cloud'
import { sendVolume } from './content.ts'
import { type Actor, type Core, changeVolume, mapOf, requireAdmin, requireWriter, seenVolume } from './core.ts'
import { Invalid, invalidVolume } from './faults.ts'
import type { VolumeRow } from './store/rows.ts'

export interface UploadWish {
  readonly imageName: string
  readonly diskFormat: string
  readonly containerFormat: string
  readonly visibility: 'public' | 'private' | 'shared' | 'community'
  readonly isProtected: boolean
  readonly isForced: boolean
}

/** Glance's own attributes; the rest of a volume's image metadata goes along as properties. */
const glanceOwn = new Set(
  'checksum container_format disk_format image_name image_id min_disk min_ram name size signature_verified'.split(' '),
)

const propertiesOf = (row: VolumeRow): Record<string, string> =>
  Object.fromEntries(Object.entries(mapOf(row.image_metadata)).filter(([key]) => !glanceOwn.has(key)))

/** Makes an image of a volume: the record at once, the bits afterwards. */
export async function uploadVolume(
  core: Core,
  actor: Actor,
  id: string,
  wish: UploadWish,
): Promise<{ row: VolumeRow; image: Image }> {
  seenVolume(core, actor, id)
  requireWriter(actor, 'volume_extension:volume_actions:upload_image')
  if (wish.visibility === 'public') requireAdmin(actor, 'volume_extension:volume_actions:upload_public')
  const marked = await changeVolume(core, id, row => {
    const allowed = wish.isForced ? ['available', 'in-use'] : ['available']
    if (!allowed.includes(row.status)) {
      throw invalidVolume(`Volume ${id} status must be ${allowed.join(' or ')}`)
    }
    if (row.encryption_key_id !== null && (wish.diskFormat !== 'raw' || wish.containerFormat !== 'bare')) {
      throw Invalid({
        reason:
          "An encrypted volume uploaded as an image must use 'raw' disk_format and 'bare' container_format, which are the defaults for these options.",
      })
    }
    const task = JSON.stringify({ kind: 'upload', imageId: '' })
    return { ...row, status: 'uploading', previous_status: row.status, task }
  })
  try {
    const image = await core.images.create(actor.as, {
      name: wish.imageName,
      diskFormat: wish.diskFormat,
      containerFormat: wish.containerFormat,
      visibility: wish.visibility,
      isProtected: wish.isProtected,
      minDiskGiB: 0,
      minRamMiB: 0,
      properties: propertiesOf(marked),
    })
    sendVolume(core, actor, marked, image)
    return { row: marked, image }
  } catch (error) {
    const status = marked.previous_status ?? 'available'
    await changeVolume(core, id, row => ({ ...row, status, previous_status: null, task: null }))
    if (error instanceof Fault && error.status < 500) throw Invalid({ reason: error.message }, { cause: error })
    throw error
  }
}
