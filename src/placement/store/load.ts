import type { Reader } from './tables.ts'

/** One provider with everything that hangs on it, as the snapshot takes it in. */
export interface ProviderRows {
  readonly key: number
  readonly uuid: string
  readonly name: string
  readonly generation: number
  readonly parentKey: number | null
  readonly rootKey: number
  readonly updatedAtMs: number
  readonly inventories: readonly {
    readonly classId: number
    readonly total: number
    readonly reserved: number
    readonly minUnit: number
    readonly maxUnit: number
    readonly stepSize: number
    readonly allocationRatio: number
    readonly updatedAtMs: number
  }[]
  readonly traitIds: readonly number[]
  readonly aggregates: readonly string[]
  readonly usages: readonly { readonly classId: number; readonly used: number }[]
}

export interface Changes {
  readonly providers: readonly ProviderRows[]
  readonly removedKeys: readonly number[]
}

/** Enough to keep the largest page's rows (a hundred traits each) small beside the snapshot itself. */
const pageSize = 500

function group<Row extends { provider_id: number }, T>(rows: readonly Row[], pick: (row: Row) => T): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const row of rows) {
    const list = groups.get(row.provider_id)
    if (list === undefined) groups.set(row.provider_id, [pick(row)])
    else list.push(pick(row))
  }
  return groups
}

/** The details of the providers with first <= id <= last that changed after `since`. */
async function readDetails(db: Reader, since: number, first: number, last: number) {
  const changed = db
    .selectFrom('resource_providers')
    .select('id')
    .where('change', '>', since)
    .where('id', '>=', first)
    .where('id', '<=', last)
  const inventories = await db.selectFrom('inventories').selectAll().where('provider_id', 'in', changed).execute()
  const traits = await db.selectFrom('provider_traits').selectAll().where('provider_id', 'in', changed).execute()
  const aggregates = await db
    .selectFrom('provider_aggregates')
    .selectAll()
    .where('provider_id', 'in', changed)
    .execute()
  const usages = await db
    .selectFrom('allocations')
    .select(e => ['provider_id', 'class_id', e.fn.sum<number>('used').as('used')])
    .where('provider_id', 'in', changed)
    .groupBy(['provider_id', 'class_id'])
    .execute()
  return {
    inventories: group(inventories, row => ({
      classId: row.class_id,
      total: row.total,
      reserved: row.reserved,
      minUnit: row.min_unit,
      maxUnit: row.max_unit,
      stepSize: row.step_size,
      allocationRatio: row.allocation_ratio,
      updatedAtMs: Number(row.updated_at),
    })),
    traits: group(traits, row => row.trait_id),
    aggregates: group(aggregates, row => row.aggregate_uuid),
    usages: group(usages, row => ({ classId: row.class_id, used: Number(row.used) })),
  }
}

/** What changed after `since`; -1 reads everything. Call inside a transaction, so that the parts belong together. */
export async function readChanges(db: Reader, since: number): Promise<Changes> {
  const removed =
    since < 0 ? [] : await db.selectFrom('removed_providers').select('id').where('change', '>', since).execute()
  const providers: ProviderRows[] = []
  let after = 0
  for (;;) {
    const page = await db
      .selectFrom('resource_providers')
      .select(['id', 'uuid', 'name', 'generation', 'parent_id', 'root_id', 'updated_at'])
      .where('change', '>', since)
      .where('id', '>', after)
      .orderBy('id')
      .limit(pageSize)
      .execute()
    const [first, last] = [page[0], page.at(-1)]
    if (first === undefined || last === undefined) break
    const details = await readDetails(db, since, first.id, last.id)
    for (const row of page) {
      providers.push({
        key: row.id,
        uuid: row.uuid,
        name: row.name,
        generation: row.generation,
        parentKey: row.parent_id,
        rootKey: row.root_id ?? row.id,
        updatedAtMs: Number(row.updated_at),
        inventories: details.inventories.get(row.id) ?? [],
        traitIds: details.traits.get(row.id) ?? [],
        aggregates: details.aggregates.get(row.id) ?? [],
        usages: details.usages.get(row.id) ?? [],
      })
    }
    if (page.length < pageSize) break
    after = last.id
  }
  return { providers, removedKeys: removed.map(row => row.id) }
}
