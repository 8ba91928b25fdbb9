import { among } from '#store/engine'
import type { Db } from '../store/open.ts'

/**
 * Connection tracking zones. The host sees the frames of all networks, and two of these may use the same addresses; a zone
 * keeps their connections apart. Numbers are kept in the store, so that connections outlive a restart.
 */

/** The number of each of these networks; those without one get the lowest that are free. */
export async function zonesOf(db: Db, networkIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('networkZones').selectAll().execute()
  const known = new Set(rows.map(({ networkId }) => networkId))
  const used = new Set(rows.map(({ zone }) => zone))
  let next = 1
  const fresh = networkIds
    .filter(networkId => !known.has(networkId))
    .map(networkId => {
      while (used.has(next)) next++
      used.add(next)
      return { networkId, zone: next }
    })
  if (fresh.length > 0) await db.insertInto('networkZones').values(fresh).execute()
  const wanted = new Set(networkIds)
  const all = [...rows, ...fresh].filter(({ networkId }) => wanted.has(networkId))
  return new Map(all.map(({ networkId, zone }) => [networkId, zone]))
}

/** Networks that are gone; first their connections are forgotten, or the next one with that number would know them. */
export async function releaseZones(
  db: Db,
  kept: ReadonlySet<string>,
  forget: (zone: number) => Promise<void>,
): Promise<void> {
  const rows = await db.selectFrom('networkZones').selectAll().execute()
  const gone = rows.filter(({ networkId }) => !kept.has(networkId))
  for (const { zone } of gone) await forget(zone)
  if (gone.length === 0) return
  const ids = among(gone.map(({ networkId }) => networkId))
  await db.deleteFrom('networkZones').where('networkId', 'in', ids).execute()
}
