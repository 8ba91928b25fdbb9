import type { ConductorDeps } from '../../deps.ts'
import { removeImage } from '../../images.ts'
import type { Suspects } from './suspects.ts'

const unfinished = ['queued', 'saving']
const fillers = ['server-snapshot', 'server-backup', 'server-shelve']

/** Says that the image is one of ours: made of a server, to be filled by a saga. */
const isOfServer = ({ properties }: { readonly properties: Readonly<Record<string, string>> }): boolean =>
  properties['instance_uuid'] !== undefined && ['snapshot', 'backup'].includes(properties['image_type'] ?? '')

/** Records of images of servers that no saga is going to fill: whoever made them died before he could ask for it. */
export async function auditImages(d: ConductorDeps, suspects: Suspects): Promise<void> {
  const found = []
  for (const status of unfinished) found.push(...(await d.images.list('service', { status })))
  const ours = found.filter(isOfServer)
  if (ours.length === 0) return
  const inputs = (await d.store.sagas.openInputs(fillers)) as readonly { readonly imageId?: string }[]
  const wanted = new Set(inputs.map(({ imageId }) => imageId))
  for (const { id, status } of ours) {
    if (wanted.has(id) || !suspects.note(`image ${id}`)) continue
    d.log.warn({ image_id: id, status }, 'image of a server that nobody is going to fill; removing it')
    await removeImage(d, id)
  }
}
