import { isoMicros, type JsonRecord } from '#base'
import { sendJson } from '#http'
import { seenVolume } from '../core.ts'
import { uploadVolume as upload } from '../uploads.ts'
import { Fields } from './body.ts'
import { type Exchange } from './exchange.ts'
import { since } from './microversion.ts'
import { typeView } from './views.ts'

const formats = ['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop'] as const
const visibilities = ['community', 'public', 'private', 'shared'] as const

/** `os-volume_upload_image`. */
export async function uploadVolume(x: Exchange, body: JsonRecord) {
  const fields = Fields.of(body, 'os-volume_upload_image')
  const names = ['image_name', 'force', 'disk_format', 'container_format']
  fields.only(...names, ...(x.version >= 1 ? ['visibility', 'protected'] : []))
  const wish = {
    imageName: fields.required('image_name'),
    diskFormat: fields.oneOf('disk_format', formats) ?? 'raw',
    containerFormat: fields.text('container_format') ?? 'bare',
    visibility: fields.oneOf('visibility', visibilities) ?? 'private',
    isProtected: fields.flag('protected') === true,
    isForced: fields.flag('force') === true,
  }
  seenVolume(x.core, x.actor, x.id)
  const { row, image } = await upload(x.core, x.actor, x.id, wish)
  const type = x.core.state.table('volume_types').get(row.volume_type_id)
  const response = {
    id: row.id,
    updated_at: row.updated_at_ms === null ? null : isoMicros(row.updated_at_ms),
    status: 'uploading',
    display_description: row.description,
    size: row.size_gib,
    volume_type: type === undefined ? null : typeView(x, type),
    image_id: image.id,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
    image_name: image.name,
    ...since(x, 1, { visibility: image.visibility, protected: image.isProtected }),
  }
  return sendJson(x.reply, 202, { 'os-volume_upload_image': response })
}
