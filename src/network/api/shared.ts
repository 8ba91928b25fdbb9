import { isoSeconds, type Json } from '#base'
import type { Db } from '../store/open.ts'
import type { Stamped } from '../store/tables.ts'
import { attribute, readOnly, text } from './attributes.ts'

/** Attributes that nearly every resource has. */
export const standard = {
  id: readOnly(),
  project_id: attribute(text(255), { put: false }),
  tenant_id: attribute(text(255), { put: false }),
  description: attribute(text(255)),
  created_at: readOnly(),
  updated_at: readOnly(),
  revision_number: readOnly(),
  tags: readOnly(),
} as const

export const named = { ...standard, name: attribute(text(255)) } as const

/** This machine is the one zone there is. */
export const zoneHints = attribute(
  (value: unknown) =>
    Array.isArray(value) && value.every(zone => zone === 'nova')
      ? { ok: value.map(() => 'nova') }
      : { reason: `AvailabilityZone ${JSON.stringify(value)} could not be found` },
  { put: false },
)

export const stampWire = (row: Stamped) => ({
  created_at: isoSeconds(row.createdAtMs),
  updated_at: isoSeconds(row.updatedAtMs),
  revision_number: row.revision,
})

export const ownerWire = (projectId: string) => ({ project_id: projectId, tenant_id: projectId })

/** SQLite and MySQL limit the parameters of a statement; longer lists are read in slices. */
const slice = 500

export async function inSlices<Row>(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (let at = 0; at < ids.length; at += slice) rows.push(...(await read(ids.slice(at, at + slice))))
  return rows
}

export async function tagsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const rows = await inSlices(ids, part =>
    db.selectFrom('tags').selectAll().where('resourceId', 'in', part).orderBy('tag').execute(),
  )
  const tags = new Map<string, string[]>()
  for (const row of rows) tags.set(row.resourceId, [...(tags.get(row.resourceId) ?? []), row.tag])
  return tags
}

export const jsonOf = (value: string): Json => JSON.parse(value) as Json
