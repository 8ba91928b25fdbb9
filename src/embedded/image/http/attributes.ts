import type { Json } from '#base'
import type { Caller } from '#cloud'
import { Forbidden, Invalid, notInSchema, TooLarge } from '../faults.ts'
import { propertiesOf, tagsOf } from '../records.ts'
import { isAdmin, requireAdmin } from '../rights.ts'
import type { ImageRow, Visibility } from '../store/rows.ts'
import { containerFormats, diskFormats, visibilities } from './schemas.ts'

/** Limits of Glance's configuration: image_tag_quota, image_property_quota. */
const maxTags = 128
const maxProperties = 128

/** Attributes that nobody sets by hand. */
const readOnlyOnUpdate = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'id',
  'os_hash_algo',
  'os_hash_value',
]
const readOnlyOnCreate = readOnlyOnUpdate.filter(name => name !== 'id').concat('stores')
const reserved = ['location', 'deleted', 'deleted_at']

export function refuseReserved(name: string, operation: 'create' | 'update'): void {
  if ((operation === 'create' ? readOnlyOnCreate : readOnlyOnUpdate).includes(name)) {
    throw Forbidden({ reason: `Attribute '${name}' is read-only.` })
  }
  if (reserved.includes(name) || name.startsWith('os_glance')) {
    throw Forbidden({ reason: `Attribute '${name}' is reserved.` })
  }
  if (name === 'locations') {
    throw Forbidden({ reason: "It's not allowed to add locations if locations are invisible." })
  }
}

const python = (value: Json): string =>
  value === null
    ? 'None'
    : typeof value === 'string'
      ? `'${value}'`
      : value === true
        ? 'True'
        : value === false
          ? 'False'
          : JSON.stringify(value)

const wrongType = (value: Json, type: string) => notInSchema(`${python(value)} is not of type ${type}`)

function text(value: Json): string {
  if (typeof value !== 'string') throw wrongType(value, "'string'")
  if (value.length > 255) throw notInSchema(`${python(value)} is too long`)
  return value
}

const nullableText = (value: Json): string | null => {
  if (value !== null && typeof value !== 'string') throw wrongType(value, "'null', 'string'")
  return value === null ? null : text(value)
}

function oneOf<T extends string>(value: Json, allowed: readonly T[]): T {
  const hit = allowed.find(a => a === value)
  if (hit === undefined) throw notInSchema(`${python(value)} is not one of [${allowed.map(a => `'${a}'`).join(', ')}]`)
  return hit
}

function flag(value: Json): number {
  if (typeof value !== 'boolean') throw wrongType(value, "'boolean'")
  return value ? 1 : 0
}

function amount(name: string, value: Json): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, "'integer'")
  if (value < 0 || value > 2_147_483_647) {
    throw Invalid({ reason: `Invalid value '${value}' for parameter '${name}': Cannot be a negative value` })
  }
  return value
}

function tags(value: Json): string[] {
  if (!Array.isArray(value)) throw wrongType(value, "'array'")
  const list = [...new Set(value.map(text))]
  if (list.length > maxTags) {
    throw TooLarge({
      reason: `The limit has been exceeded on the number of allowed image tags. Attempted: ${list.length}, Maximum: ${maxTags}`,
    })
  }
  return list
}

export function mayPublish(caller: Caller, visibility: Visibility): void {
  if (visibility === 'public') requireAdmin(caller, 'publicize_image')
}

/** A format may change only while there are no bits. */
function queuedOnly(row: ImageRow, name: string): void {
  if (row.status !== 'queued' && row.status !== 'importing') {
    throw Forbidden({ reason: `Attribute ${name} can be only replaced for a queued image.` })
  }
}

/** Attributes every image has; all others are custom properties. */
const known: Readonly<Record<string, (row: ImageRow, value: Json, caller: Caller) => ImageRow>> = {
  name: (row, value) => ({ ...row, name: nullableText(value) }),
  visibility: (row, value, caller) => {
    const visibility = oneOf(value, visibilities)
    if (visibility !== row.visibility) mayPublish(caller, visibility)
    return { ...row, visibility }
  },
  protected: (row, value) => ({ ...row, is_protected: flag(value) }),
  os_hidden: (row, value) => ({ ...row, is_hidden: flag(value) }),
  owner: (row, value, caller) => {
    if (value !== row.owner && !isAdmin(caller)) throw Forbidden({ reason: "Owner can't be updated by non admin." })
    return { ...row, owner: nullableText(value) }
  },
  min_disk: (row, value) => ({ ...row, min_disk_gib: amount('min_disk', value) }),
  min_ram: (row, value) => ({ ...row, min_ram_mib: amount('min_ram', value) }),
  disk_format: (row, value) => {
    const format = value === null ? null : oneOf(value, diskFormats)
    if (format !== row.disk_format) queuedOnly(row, 'disk_format')
    return { ...row, disk_format: format }
  },
  container_format: (row, value) => {
    const format = value === null ? null : oneOf(value, containerFormats)
    if (format !== row.container_format) queuedOnly(row, 'container_format')
    return { ...row, container_format: format }
  },
  tags: (row, value) => ({ ...row, tags: JSON.stringify(tags(value)) }),
}

export const isKnown = (name: string): boolean => Object.hasOwn(known, name)
export const hasProperty = (row: ImageRow, name: string): boolean => Object.hasOwn(propertiesOf(row), name)

/** The row with one attribute or custom property set. */
export function withAttribute(row: ImageRow, name: string, value: Json, caller: Caller): ImageRow {
  const set = isKnown(name) ? known[name] : undefined
  if (set !== undefined) return set(row, value, caller)
  if (name.length > 255) throw Invalid({ reason: 'Custom property should not be greater than 255 characters.' })
  if (typeof value !== 'string') throw wrongType(value, "'string'")
  const properties = { ...propertiesOf(row), [name]: value }
  const count = Object.keys(properties).length
  if (count > maxProperties) {
    throw TooLarge({
      reason: `The limit has been exceeded on the number of allowed image properties. Attempted: ${count}, Maximum: ${maxProperties}`,
    })
  }
  return { ...row, properties: JSON.stringify(properties) }
}

export function withoutProperty(row: ImageRow, name: string): ImageRow {
  const { [name]: _, ...properties } = propertiesOf(row)
  return { ...row, properties: JSON.stringify(properties) }
}

export function withTag(row: ImageRow, tag: string): ImageRow {
  return { ...row, tags: JSON.stringify(tags([...tagsOf(row), tag])) }
}

export function withoutTag(row: ImageRow, tag: string): ImageRow {
  return { ...row, tags: JSON.stringify(tagsOf(row).filter(t => t !== tag)) }
}
