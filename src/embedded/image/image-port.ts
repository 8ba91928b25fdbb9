import { createReadStream } from 'node:fs'
import { fromJson, type Json, MiB } from '#base'
import {
  type As,
  type Caller,
  filtersOf,
  ImageBadRequest,
  ImageConflict,
  ImageForbidden,
  ImageInvalid,
  ImageNotAuthorized,
  ImageNotFound,
  type ImagePort,
  ImageQuotaExceeded,
  ImageUnavailable,
  patchOf,
  wireOfNew,
} from '#cloud'
import type { Bits } from './bits.ts'
import { ActionForbidden, Conflict, Forbidden, Gone, Invalid, Missing, NoImage, TooLarge } from './faults.ts'
import { selectImages } from './http/list.ts'
import { addMember } from './http/members.ts'
import { operationsIn } from './http/patch.ts'
import { changeImage, createImage, removeImage } from './http/write.ts'
import { imageOf, propertiesOf, type Records } from './records.ts'
import { isAdmin, maySee, requireOwner, seen } from './rights.ts'
import type { ImageRow } from './store/rows.ts'

/** Nova itself, as an administrator of no project. */
const nova: Caller = {
  userId: 'nova',
  userName: 'nova',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: null,
  projectName: null,
  projectDomainId: null,
  projectDomainName: null,
  roles: ['admin', 'service'],
  systemScope: false,
  domainId: null,
  token: '',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}

const callerOf = (as: As): Caller => (as === 'service' ? nova : as)

/** What the public API would say, in the port's words. */
function asPortFault(error: unknown, id: string): unknown {
  if (!(error instanceof Error)) return error
  const cause = { cause: error }
  const reason = error.message
  if (NoImage.is(error) || Missing.is(error) || Gone.is(error)) return ImageNotFound({ id }, cause)
  if (Forbidden.is(error) || ActionForbidden.is(error)) return ImageNotAuthorized({ id }, cause)
  if (Invalid.is(error)) return ImageBadRequest({ id, response: reason }, cause)
  if (Conflict.is(error)) return ImageConflict({ reason }, cause)
  if (TooLarge.is(error)) return ImageQuotaExceeded({ id }, cause)
  return error
}

async function inPortWords<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asPortFault(error, id)
  }
}

/** New images and lists have no id that a fault could name. */
async function inPlainWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (Invalid.is(error)) throw ImageInvalid({ reason: error.message }, { cause: error })
    if (Forbidden.is(error) || ActionForbidden.is(error)) {
      throw ImageForbidden({ reason: error.message }, { cause: error })
    }
    throw asPortFault(error, '')
  }
}

const limited = (rows: ImageRow[], limit: number | undefined): ImageRow[] =>
  limit === undefined ? rows : rows.slice(0, limit)

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
    list: (as, query = {}) =>
      inPlainWords(async () => {
        const filters = filtersOf(query)
        if (as === 'service') filters.set('visibility', 'all')
        return limited(selectImages(state, callerOf(as), filters), query.limit).map(imageOf)
      }),
    async download(as, id) {
      return createReadStream(pathOf(as, id), { highWaterMark: MiB })
    },
    async localPath(as, id) {
      return pathOf(as, id)
    },
    create: (as, image) =>
      inPlainWords(async () => imageOf(await createImage(records, callerOf(as), wireOfNew(image)))),
    update: (as, id, change) =>
      inPortWords(id, async () => {
        const now = get(as, id)
        // Through JSON, as the public API gets it: undefined fields vanish.
        const steps = fromJson<Json>(JSON.stringify(patchOf(change, propertiesOf(now))))
        return imageOf(await changeImage(records, callerOf(as), id, operationsIn(steps, 10)))
      }),
    upload: (as, id, source) =>
      inPortWords(id, async () => {
        requireOwner(callerOf(as), seen(state, callerOf(as), id), 'upload_image')
        await records.fill(id, row => bits.write(id, row.disk_format, source))
      }),
    remove: (as, id) => inPortWords(id, async () => removeImage(records, callerOf(as), id)),
    share: (as, id, projectId) =>
      inPortWords(id, async () => {
        const isMember = state.table('image_members').get(id, projectId) !== undefined
        if (!isMember) await addMember({ state, now: () => records.now() }, callerOf(as), id, projectId)
      }),
  }
}
