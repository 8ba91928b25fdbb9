import { bodyOf, type HttpReply } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { inPath, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import {
  type As,
  type Image,
  ImageBadRequest,
  ImageConflict,
  ImageForbidden,
  ImageInvalid,
  ImageNotAuthorized,
  ImageNotFound,
  type ImagePort,
  type ImageQuery,
  ImageQuotaExceeded,
  ImageUnavailable,
} from './port.ts'
import { filtersOf, imageOfWire, patchOf, patchType, type WireImage, wireOfNew } from './wire.ts'

/** Glance's api_limit_max. */
const pageSize = 1000

/** Glance v2. */
export function glancePort(options: ServiceOptions): ImagePort {
  const client = new ServiceClient('image', '/v2', options)
  const at = (id: string, rest = ''): string => `/images/${inPath(id)}${rest}`

  async function get(as: As, id: string): Promise<Image> {
    const reply = await client.call(as, { method: 'GET', path: at(id) })
    return imageOfWire(bodyOf<WireImage>(expect(reply, id)))
  }

  async function list(as: As, query: ImageQuery = {}): Promise<readonly Image[]> {
    const images: Image[] = []
    const wanted = query.limit ?? Number.POSITIVE_INFINITY
    const filters = filtersOf(query)
    if (as === 'service') filters.set('visibility', 'all')
    while (images.length < wanted) {
      filters.set('limit', String(Math.min(pageSize, wanted - images.length)))
      const reply = await client.call(as, { method: 'GET', path: '/images', query: filters })
      if (reply.status === 400) throw ImageInvalid({ reason: wordsOf(reply) }, { detail: reply.place })
      const page = bodyOf<{ images: readonly WireImage[]; next?: string }>(expect(reply, 'list'))
      images.push(...page.images.map(imageOfWire))
      const marker = page.images.at(-1)?.id
      if (page.next === undefined || marker === undefined) break
      filters.set('marker', marker)
    }
    return images
  }

  return {
    get,
    list,
    async download(as, id) {
      const { status } = await get(as, id)
      // Glance would let an administrator have a deactivated image; Nova itself keeps its hands off it.
      const isReadable = status === 'active' || (status === 'deactivated' && as !== 'service')
      if (!isReadable) throw ImageUnavailable({ id, reason: `Image is ${status}` })
      const reply = await client.download(as, { method: 'GET', path: at(id, '/file') })
      if (reply.body !== undefined) return reply.body
      if (reply.status === 403) throw ImageUnavailable({ id, reason: `Image is ${status}` }, { detail: reply.place })
      if (reply.status === 204) throw ImageUnavailable({ id, reason: 'Image has no data' }, { detail: reply.place })
      expect(reply, id)
      throw ImageUnavailable({ id, reason: 'Image has no data' }, { detail: reply.place })
    },
    async create(as, image) {
      const reply = await client.call(as, { method: 'POST', path: '/images', json: wireOfNew(image) })
      if (reply.status === 201) return imageOfWire(bodyOf<WireImage>(reply))
      const reason = wordsOf(reply)
      if (reply.status === 400) throw ImageInvalid({ reason }, { detail: reply.place })
      if (reply.status === 403) throw ImageForbidden({ reason }, { detail: reply.place })
      throw refused(reply, image.name)
    },
    async update(as, id, change) {
      const now = await get(as, id)
      const json = patchOf(change, now.properties)
      if (json.length === 0) return now
      const headers = { 'content-type': patchType }
      const reply = await client.call(as, { method: 'PATCH', path: at(id), json, headers })
      return imageOfWire(bodyOf<WireImage>(expect(reply, id)))
    },
    async upload(as, id, bits) {
      // A small question first: it renews a token that has expired, and bits can be sent only once.
      await get(as, id)
      expect(await client.upload(as, { method: 'PUT', path: at(id, '/file') }, bits), id, 204)
    },
    async remove(as, id) {
      expect(await client.call(as, { method: 'DELETE', path: at(id) }), id, 204)
    },
    async share(as, id, projectId) {
      const reply = await client.call(as, { method: 'POST', path: at(id, '/members'), json: { member: projectId } })
      if (reply.status !== 409) expect(reply, id)
    },
  }
}

/** What Glance says, without the page around it. */
function wordsOf({ text, status }: HttpReply): string {
  const said = /<\/h1>\s*([\s\S]*?)<br/.exec(text)?.[1] ?? (text.startsWith('{') ? messageIn(text) : undefined)
  return said?.trim() || `Glance refused with status ${status}.`
}

function messageIn(text: string): string | undefined {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message)
  } catch {
    return undefined
  }
}

function expect(reply: HttpReply, id: string, status = 200): HttpReply {
  if (reply.status === status) return reply
  throw refused(reply, id)
}

function refused(reply: HttpReply, id: string) {
  const detail = { detail: `${reply.place}: ${reply.text.slice(0, 500)}` }
  switch (reply.status) {
    case 400:
      return ImageBadRequest({ id, response: wordsOf(reply) }, detail)
    case 403:
      return ImageNotAuthorized({ id }, detail)
    case 404:
    case 410:
      return ImageNotFound({ id }, detail)
    case 409:
      return ImageConflict({ reason: wordsOf(reply) }, detail)
    case 413:
      return ImageQuotaExceeded({ id }, detail)
    default:
      return refusal(
        reply.status,
        'ImageRequestRefused',
        `Glance refused with status ${reply.status}.`,
        `${reply.place}: ${reply.text.slice(0, 500)}`,
      )
  }
}
