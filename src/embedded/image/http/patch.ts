import type { FastifyRequest } from 'fastify'
import { isRecord, type Json, type JsonRecord } from '#base'
import { Invalid } from '../faults.ts'
import { refuseReserved } from './attributes.ts'
import { jsonOf } from './exchange.ts'

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly name: string
  /** Null for `remove`. */
  readonly value: Json
  /** In the older of the two media types `add` refuses what exists already. */
  readonly isStrictAdd: boolean
}

const operations = ['add', 'remove', 'replace'] as const
const available = 'It must be one of the following: add, remove, replace.'

/** The two media types of Glance's PATCH: drafts 4 and 10 of JSON patch. */
const drafts: Readonly<Record<string, 4 | 10>> = {
  'application/openstack-images-v2.0-json-patch': 4,
  'application/openstack-images-v2.1-json-patch': 10,
}

function operationOf(change: JsonRecord, draft: 4 | 10): { op: PatchOperation['op']; path: Json | undefined } {
  if (draft === 10) {
    if (change.op === undefined) throw Invalid({ reason: `Unable to find \`op\` in JSON Schema change. ${available}` })
    const op = operations.find(known => known === change.op)
    if (op === undefined) throw Invalid({ reason: `Invalid operation: \`${String(change.op)}\`. ${available}` })
    if (change.path === undefined) throw Invalid({ reason: "Unable to find 'path' in JSON Schema change" })
    return { op, path: change.path }
  }
  const named = operations.filter(known => change[known] !== undefined)
  const op = named[0]
  if (op === undefined || named.length > 1) {
    throw Invalid({ reason: 'Operation objects must contain exactly one member named "add", "remove", or "replace".' })
  }
  return { op, path: change[op] }
}

/** The attribute a pointer names; only the top level of an image can be patched. */
function nameAt(pointer: Json | undefined): string {
  if (typeof pointer !== 'string' || !pointer.startsWith('/')) {
    throw Invalid({ reason: `Pointer \`${String(pointer)}\` does not start with "/".` })
  }
  if (/\/\s*?\//.test(pointer.slice(1))) throw Invalid({ reason: `Pointer \`${pointer}\` contains adjacent "/".` })
  if (pointer.length > 1 && pointer.endsWith('/')) throw Invalid({ reason: `Pointer \`${pointer}\` end with "/".` })
  if (/~[^01]/.test(pointer) || pointer.endsWith('~')) {
    throw Invalid({ reason: `Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.` })
  }
  const parts = pointer
    .slice(1)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
  const [name = ''] = parts
  if (parts.length !== 1 && name !== 'locations') {
    throw Invalid({ reason: `Invalid JSON pointer for this resource: '/${parts.join('/')}'` })
  }
  return name
}

/** The operations of a PATCH, in order; undefined when the media type is not a patch. */
export function operationsOf(mediaType: string, request: FastifyRequest): PatchOperation[] | undefined {
  const draft = drafts[mediaType]
  return draft === undefined ? undefined : operationsIn(jsonOf(request), draft)
}

export function operationsIn(body: Json, draft: 4 | 10): PatchOperation[] {
  if (!Array.isArray(body)) throw Invalid({ reason: 'Request body must be a JSON array of operation objects.' })
  return body.map(change => {
    if (!isRecord(change)) throw Invalid({ reason: 'Operations must be JSON objects.' })
    const { op, path } = operationOf(change, draft)
    const name = nameAt(path)
    if (op !== 'remove' && change.value === undefined) {
      throw Invalid({ reason: `Operation "${op}" requires a member named "value".` })
    }
    refuseReserved(name, 'update')
    return { op, name, value: change.value ?? null, isStrictAdd: draft === 4 }
  })
}
