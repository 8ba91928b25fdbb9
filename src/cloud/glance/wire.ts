import type { Json } from '#base'
import type { Image, ImageChange, ImageQuery, ImageStatus, NewImage } from './port.ts'

/** An image on the wire. Custom properties lie beside Glance's own attributes. */
export interface WireImage {
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

export const imageOfWire = (wire: WireImage): Image => ({
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

/** The body of POST /v2/images. A property with the name of an attribute is that attribute, as everywhere in Glance. */
export const wireOfNew = (image: NewImage): { [key: string]: Json } => ({
  name: image.name,
  visibility: image.visibility,
  ...(image.isProtected === true ? { protected: true } : {}),
  ...(image.diskFormat === null ? {} : { disk_format: image.diskFormat }),
  ...(image.containerFormat === null ? {} : { container_format: image.containerFormat }),
  min_disk: image.minDiskGiB,
  min_ram: image.minRamMiB,
  ...image.properties,
})

interface PatchStep {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path: string
  readonly value?: string
}

/** One step of a JSON pointer. */
const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

export const patchType = 'application/openstack-images-v2.1-json-patch'

/** The PATCH that makes the change to an image with these custom properties. */
export function patchOf(change: ImageChange, present: Readonly<Record<string, string>>): readonly PatchStep[] {
  const formats = { disk_format: change.diskFormat, container_format: change.containerFormat }
  return [
    ...Object.entries(formats).flatMap(([name, value]) =>
      value === undefined ? [] : [{ op: 'replace' as const, path: pointer(name), value }],
    ),
    ...(change.without ?? [])
      .filter(name => Object.hasOwn(present, name))
      .map(name => ({ op: 'remove' as const, path: pointer(name) })),
    // In this media type `add` also replaces.
    ...Object.entries(change.properties ?? {}).map(([name, value]) => ({
      op: 'add' as const,
      path: pointer(name),
      value,
    })),
  ]
}

/** Filters, marker and limit in the words of GET /v2/images. */
export function filtersOf(query: ImageQuery): URLSearchParams {
  const given = {
    name: query.name,
    status: query.status,
    min_disk: query.minDisk,
    min_ram: query.minRam,
    updated_at: query.changesSince === undefined ? undefined : `gte:${query.changesSince}`,
    marker: query.marker,
    limit: query.limit === undefined ? undefined : String(query.limit),
  }
  const filters = new URLSearchParams(query.properties)
  for (const [name, value] of Object.entries(given)) if (value !== undefined) filters.set(name, value)
  return filters
}
