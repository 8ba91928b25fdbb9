import { bodyOf, type HttpReply } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { inPath, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import { type As, type Image, ImageNotFound, type ImagePort, type ImageStatus, ImageUnavailable } from './port.ts'

/** An image on the wire. Custom properties lie beside Glance's own attributes. */
interface WireImage {
  readonly [property: string]: unknown
  readonly id: string
  readonly name: string | null
  readonly status: ImageStatus
  readonly visibility: Image['visibility']
  readonly owner: string | null
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly size: number | null
  readonly virtual_size: number | null
  readonly min_disk: number
  readonly min_ram: number
  readonly checksum: string | null
  readonly os_hash_algo: string | null
  readonly os_hash_value: string | null
  readonly protected: boolean
  readonly created_at: string
  readonly updated_at: string
  readonly tags: readonly string[]
}

/** Glance's own attributes: everything else that is a text is a custom property. */
const own = new Set(
  `id name status visibility owner disk_format container_format size virtual_size min_disk min_ram checksum os_hash_algo
  os_hash_value protected created_at updated_at tags self file schema os_hidden locations direct_url stores`.split(
    /\s+/,
  ),
)

const imageOf = (wire: WireImage): Image => ({
  id: wire.id,
  name: wire.name,
  status: wire.status,
  visibility: wire.visibility,
  ownerId: wire.owner,
  diskFormat: wire.disk_format,
  containerFormat: wire.container_format,
  sizeBytes: wire.size,
  virtualSizeBytes: wire.virtual_size,
  minDiskGiB: wire.min_disk,
  minRamMiB: wire.min_ram,
  checksum: wire.checksum,
  hashAlgorithm: wire.os_hash_algo,
  hashValue: wire.os_hash_value,
  isProtected: wire.protected,
  createdAtMs: Date.parse(wire.created_at),
  updatedAtMs: Date.parse(wire.updated_at),
  tags: wire.tags,
  properties: Object.fromEntries(
    Object.entries(wire).filter(
      (entry): entry is [string, string] => !own.has(entry[0]) && typeof entry[1] === 'string',
    ),
  ),
})

const pageSize = '1000'

/** Glance v2. */
export function glancePort(options: ServiceOptions): ImagePort {
  const client = new ServiceClient('image', '/v2', options)

  async function get(as: As, id: string): Promise<Image> {
    const reply = await client.call(as, { method: 'GET', path: `/images/${inPath(id)}` })
    return imageOf(bodyOf<WireImage>(expect(reply, id)))
  }

  return {
    get,
    async list(as) {
      const images: Image[] = []
      const query = new URLSearchParams({ limit: pageSize, ...(as === 'service' ? { visibility: 'all' } : {}) })
      for (;;) {
        const reply = await client.call(as, { method: 'GET', path: '/images', query })
        const page = bodyOf<{ images: readonly WireImage[]; next?: string }>(expect(reply, 'list'))
        images.push(...page.images.map(imageOf))
        const marker = page.images.at(-1)?.id
        if (page.next === undefined || marker === undefined) return images
        query.set('marker', marker)
      }
    },
    async download(as, id) {
      const { status } = await get(as, id)
      // Glance would let an administrator have a deactivated image; Nova itself keeps its hands off it.
      const isReadable = status === 'active' || (status === 'deactivated' && as !== 'service')
      if (!isReadable) throw ImageUnavailable({ id, reason: `Image is ${status}` })
      const reply = await client.download(as, { method: 'GET', path: `/images/${inPath(id)}/file` })
      if (reply.body !== undefined) return reply.body
      if (reply.status === 403) throw ImageUnavailable({ id, reason: `Image is ${status}` }, { detail: reply.place })
      if (reply.status === 204) throw ImageUnavailable({ id, reason: 'Image has no data' }, { detail: reply.place })
      expect(reply, id)
      throw ImageUnavailable({ id, reason: 'Image has no data' }, { detail: reply.place })
    },
  }
}

function expect(reply: HttpReply, id: string): HttpReply {
  if (reply.status === 200) return reply
  if (reply.status === 404) throw ImageNotFound({ id }, { detail: reply.place })
  if (reply.status === 403) throw refusal(403, 'ImageNotAuthorized', `Not authorized for image ${id}.`, reply.place)
  throw refusal(
    reply.status,
    'ImageRequestRefused',
    `Glance refused with status ${reply.status}.`,
    `${reply.place}: ${reply.text.slice(0, 500)}`,
  )
}
