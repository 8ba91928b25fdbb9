import { isRecord, type Json, newUuid } from '#base'
import type { Caller } from '#cloud'
import { Conflict, Forbidden, notInSchema } from '../faults.ts'
import type { Records } from '../records.ts'
import { isAdmin, requireMember, requireOwner, seen } from '../rights.ts'
import type { ImageRow } from '../store/rows.ts'
import { hasProperty, isKnown, refuseReserved, withAttribute, withoutProperty } from './attributes.ts'
import type { PatchOperation } from './patch.ts'
import { uuidPattern } from './schemas.ts'

const uuid = new RegExp(uuidPattern)

/** What a new image is before the request says otherwise. */
const blank = (id: string, owner: string | null): ImageRow => ({
  id,
  name: null,
  status: 'queued',
  visibility: 'shared',
  owner,
  disk_format: null,
  container_format: null,
  size_bytes: null,
  virtual_size_bytes: null,
  min_disk_gib: 0,
  min_ram_mib: 0,
  checksum: null,
  hash_algorithm: null,
  hash_value: null,
  is_protected: 0,
  is_hidden: 0,
  created_at_ms: 0,
  updated_at_ms: 0,
  tags: '[]',
  properties: '{}',
  file_name: null,
})

function newId(value: Json | undefined): string {
  if (value === undefined) return newUuid()
  if (typeof value !== 'string') throw notInSchema(`${JSON.stringify(value)} is not of type 'string'`)
  if (!uuid.test(value)) throw notInSchema(`'${value}' does not match '${uuidPattern}'`)
  return value
}

/** A record from the body of a POST, with the rights of the caller. */
export function createImage(records: Records, caller: Caller, body: Json): Promise<ImageRow> {
  requireMember(caller, 'add_image')
  if (!isRecord(body)) throw notInSchema(`${JSON.stringify(body)} is not of type 'object'`)
  let row = blank(newId(body.id), caller.projectId)
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id') continue
    refuseReserved(name, 'create')
    if (name === 'owner' && value !== row.owner && !isAdmin(caller)) {
      throw Forbidden({ reason: `You are not permitted to create images owned by '${value}'.` })
    }
    row = withAttribute(row, name, value, caller)
  }
  return records.create(row)
}

function patched(row: ImageRow, operation: PatchOperation, caller: Caller): ImageRow {
  const { op, name, value } = operation
  const exists = isKnown(name) || hasProperty(row, name)
  if (op === 'remove') {
    if (isKnown(name)) throw Forbidden({ reason: `Property ${name} may not be removed.` })
    if (!exists) throw Conflict({ reason: `Property ${name} does not exist.` })
    return withoutProperty(row, name)
  }
  if (op === 'replace' && !exists) throw Conflict({ reason: `Property ${name} does not exist.` })
  if (op === 'add' && exists && operation.isStrictAdd) throw Conflict({ reason: `Property ${name} already present.` })
  return withAttribute(row, name, value, caller)
}

/** All operations of a PATCH, or none. */
export function changeImage(
  records: Records,
  caller: Caller,
  id: string,
  operations: readonly PatchOperation[],
): Promise<ImageRow> {
  requireOwner(caller, seen(records.state, caller, id), 'modify_image')
  return records.update(id, old => operations.reduce((now, op) => patched(now, op, caller), old))
}

export function removeImage(records: Records, caller: Caller, id: string): Promise<void> {
  requireOwner(caller, seen(records.state, caller, id), 'delete_image')
  return records.remove(id)
}
