import { type Expression, type ExpressionBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import { declareFault, SearchPattern } from '#base'
import type { Instance, TaskState, VmState } from '#model'
import { among, searchesPatterns } from '../engine/index.ts'
import type { Db, Tables } from '../tables.ts'
import { fromRow } from './instance-row.ts'
import type { CellTables } from './schema.ts'

export const MarkerNotFound = declareFault(
  'MarkerNotFound',
  'refused',
  (p: { marker: string }) => `Marker ${p.marker} could not be found.`,
)
export const InvalidRegex = declareFault(
  'InvalidFilterRegex',
  'refused',
  () => 'Invalid filter value: it is not a regular expression that can be searched for.',
)

/** Columns that Nova searches with a regular expression. */
export type PatternColumn =
  | 'display_name'
  | 'hostname'
  | 'description'
  | 'key_name'
  | 'node'
  | 'reservation_id'
  | 'root_device_name'
  | 'access_ip_v4'
  | 'access_ip_v6'
  | 'locked_by'

/** What a list of servers is asked for; every field narrows it. */
export interface InstanceFilter {
  readonly projectId?: string
  readonly userId?: string
  readonly ids?: readonly string[]
  readonly host?: string
  readonly vmStates?: readonly VmState[]
  /** Null stands for idle. */
  readonly taskStates?: readonly (TaskState | null)[]
  readonly powerStates?: readonly number[]
  readonly imageId?: string
  readonly flavorId?: string
  readonly launchIndex?: number
  readonly requestedZone?: string
  /** Hosts that are in the zone asked for (or have none, for the default zone). */
  readonly hosts?: readonly string[]
  readonly notHosts?: readonly string[]
  /** Regular expressions by column. */
  readonly patterns?: Partial<Record<PatternColumn, string>>
  readonly ipV4?: string
  readonly ipV6?: string
  readonly isLocked?: boolean
  readonly hasConfigDrive?: boolean
  readonly progress?: number
  readonly changedSinceMs?: number
  readonly changedBeforeMs?: number
  readonly createdSinceMs?: number
  readonly createdAtMs?: number
  readonly launchedAtMs?: number
  readonly terminatedAtMs?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly systemMetadata?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  readonly tagsAny?: readonly string[]
  readonly notTags?: readonly string[]
  readonly notTagsAny?: readonly string[]
  readonly deleted: 'no' | 'only' | 'any'
  /** Servers that are put away belong to the deleted ones; true or false say it the other way round. */
  readonly softDeleted?: boolean
}

export const instanceSortColumns = {
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  auto_disk_config: 'number',
  availability_zone: 'requested_zone',
  config_drive: 'config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'display_name',
  host: 'host',
  hostname: 'hostname',
  image_ref: 'image_id',
  instance_type_id: 'flavor_id',
  kernel_id: 'image_id',
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked: 'locked_by',
  locked_by: 'locked_by',
  node: 'node',
  power_state: 'power_state',
  progress: 'progress',
  project_id: 'project_id',
  ramdisk_id: 'image_id',
  root_device_name: 'root_device_name',
  task_state: 'task_state',
  terminated_at: 'terminated_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'id',
  vm_state: 'vm_state',
} as const satisfies Record<string, keyof CellTables['instances']>
export type InstanceSortKey = keyof typeof instanceSortColumns

export interface InstanceQuery {
  readonly filter: InstanceFilter
  /** Default: newest first. */
  readonly sort?: readonly { readonly key: InstanceSortKey; readonly isDescending: boolean }[]
  readonly limit?: number
  /** Id of the last server of the previous page. */
  readonly marker?: string
}

/** What a server is sorted by: columns of its row. */
export type InstancePosition = Readonly<Record<string, string | number | null>>

/** A query of which several databases answer a part each: where all else is the same, servers are in the order of their ids. */
export interface InstancePartQuery extends Omit<InstanceQuery, 'marker'> {
  /** Where the part begins; a server with this position need not be in this database. */
  readonly after?: InstancePosition
}

export interface PositionedInstance {
  readonly instance: Instance
  readonly position: InstancePosition
}

type Builder = ExpressionBuilder<Tables, 'instances'>
type Condition = Expression<SqlBool>

const equals: Partial<Record<keyof InstanceFilter, keyof CellTables['instances']>> = {
  projectId: 'project_id',
  userId: 'user_id',
  host: 'host',
  imageId: 'image_id',
  flavorId: 'flavor_id',
  launchIndex: 'launch_index',
  requestedZone: 'requested_zone',
  progress: 'progress',
  createdAtMs: 'created_at',
  launchedAtMs: 'launched_at',
  terminatedAtMs: 'terminated_at',
}

function stateConditions(e: Builder, filter: InstanceFilter): Condition[] {
  const conditions: Condition[] = []
  const { deleted, softDeleted } = filter
  if (deleted === 'no') conditions.push(e('deleted', '=', 0))
  if (deleted === 'any') conditions.push(e('deleted', '>=', 0))
  if (deleted === 'no' && softDeleted !== true) conditions.push(e('vm_state', '!=', 'soft-delete'))
  if (deleted === 'only') {
    const isGone = e('deleted', '>', 0)
    const isPutAway = e.and([e('deleted', '=', 0), e('vm_state', '=', 'soft-delete')])
    conditions.push(softDeleted === false ? isGone : e.or([isGone, isPutAway]))
  }
  if (filter.vmStates !== undefined) conditions.push(e('vm_state', 'in', among(filter.vmStates)))
  if (filter.taskStates !== undefined) {
    const named = filter.taskStates.filter(t => t !== null)
    const either = [
      ...(named.length === 0 ? [] : [e('task_state', 'in', named)]),
      ...(filter.taskStates.includes(null) ? [e('task_state', 'is', null)] : []),
    ]
    conditions.push(e.or(either))
  }
  if (filter.powerStates !== undefined) conditions.push(e('power_state', 'in', among(filter.powerStates)))
  if (filter.isLocked !== undefined) conditions.push(e('locked_by', filter.isLocked ? 'is not' : 'is', null))
  if (filter.hasConfigDrive !== undefined) conditions.push(e('config_drive', '=', Number(filter.hasConfigDrive)))
  return conditions
}

function placeConditions(e: Builder, filter: InstanceFilter): Condition[] {
  const conditions: Condition[] = []
  for (const [field, column] of Object.entries(equals)) {
    const value = filter[field as keyof InstanceFilter] as string | number | undefined
    if (value !== undefined) conditions.push(e(column, '=', value))
  }
  if (filter.ids !== undefined) conditions.push(e('id', 'in', among(filter.ids)))
  if (filter.hosts !== undefined) conditions.push(e('host', 'in', among(filter.hosts)))
  if (filter.notHosts !== undefined && filter.notHosts.length > 0)
    conditions.push(e('host', 'not in', among(filter.notHosts)))
  if (filter.changedSinceMs !== undefined)
    conditions.push(e(e.fn.coalesce('updated_at', 'created_at'), '>=', filter.changedSinceMs))
  if (filter.changedBeforeMs !== undefined)
    conditions.push(e(e.fn.coalesce('updated_at', 'created_at'), '<=', filter.changedBeforeMs))
  if (filter.createdSinceMs !== undefined) conditions.push(e('created_at', '>=', filter.createdSinceMs))
  return conditions
}

/** Metadata lies in a JSON column: found by the text of the pair, which JSON.stringify writes in one way only. */
const hasPair = (column: 'metadata_json' | 'system_metadata_json', key: string, value: string): Condition =>
  sql<SqlBool>`instr(${sql.ref(column)}, ${`${JSON.stringify(key)}:${JSON.stringify(value)}`}) > 0`

type Patterns = readonly (readonly [column: PatternColumn, pattern: SearchPattern, text: string])[]

const patternsOf = (filter: InstanceFilter): Patterns =>
  Object.entries(filter.patterns ?? {}).map(([column, text]) => [column as PatternColumn, compile(text), text])

/** Patterns that the database does not search for itself. */
const patternsForUs = (db: Db, patterns: Patterns): Patterns =>
  searchesPatterns(db) ? [] : patterns.filter(([, pattern]) => pattern.literal === undefined)

function textConditions(db: Db, filter: InstanceFilter): Condition[] {
  const conditions: Condition[] = []
  const isItself = searchesPatterns(db)
  for (const [column, { literal }, text] of patternsOf(filter)) {
    if (isItself) conditions.push(sql<SqlBool>`${sql.ref(column)} regexp ${text}`)
    else if (literal !== undefined) conditions.push(sql<SqlBool>`instr(${sql.ref(column)}, ${literal}) > 0`)
  }
  for (const [key, value] of Object.entries(filter.metadata ?? {}))
    conditions.push(hasPair('metadata_json', key, value))
  for (const [key, value] of Object.entries(filter.systemMetadata ?? {}))
    conditions.push(hasPair('system_metadata_json', key, value))
  return conditions
}

function tagConditions(e: Builder, filter: InstanceFilter): Condition[] {
  const tagsOf = (tags: readonly string[]) =>
    e
      .selectFrom('instance_tags')
      .whereRef('instance_tags.instance_id', '=', 'instances.id')
      .where('instance_tags.tag', 'in', among(tags))
  const has = (tags: readonly string[]): Condition => e.exists(tagsOf(tags).select(sql`1`.as('one')))
  const hasAll = (tags: readonly string[]): Condition => {
    const distinct = [...new Set(tags)]
    return e(tagsOf(distinct).select(sql<number>`count(*)`.as('found')), '=', distinct.length)
  }
  const conditions: Condition[] = []
  if (filter.tags !== undefined) conditions.push(hasAll(filter.tags))
  if (filter.tagsAny !== undefined) conditions.push(has(filter.tagsAny))
  if (filter.notTags !== undefined) conditions.push(e.not(hasAll(filter.notTags)))
  if (filter.notTagsAny !== undefined) conditions.push(e.not(has(filter.notTagsAny)))
  return conditions
}

/** Databases take expressions of some depth only, and a chain of ANDs is as deep as it is long. */
function allOf(e: Builder, conditions: readonly Condition[]): Condition {
  const size = 100
  if (conditions.length <= size) return e.and([...conditions])
  const groups = Array.from({ length: Math.ceil(conditions.length / size) }, (_, i) =>
    e.and(conditions.slice(i * size, (i + 1) * size)),
  )
  return e.and(groups)
}

/** Rows after the marker in the given order; nulls sort first, as SQLite and MySQL do. */
function after(e: Builder, order: readonly Order[], marker: InstancePosition): Condition {
  const alternatives = order.map(({ column, isDescending }, i) => {
    const same = order.slice(0, i).map(o => equalTo(e, o.column, marker[o.column] ?? null))
    return e.and([...same, beyond(e, column, isDescending, marker[column] ?? null)])
  })
  return e.or(alternatives)
}

type Column = keyof CellTables['instances']
interface Order {
  readonly column: Column
  readonly isDescending: boolean
}

const equalTo = (e: Builder, column: Column, value: string | number | null): Condition =>
  value === null ? e(column, 'is', null) : e(column, '=', value)

function beyond(e: Builder, column: Column, isDescending: boolean, value: string | number | null): Condition {
  if (isDescending) return value === null ? e.lit(false) : e.or([e(column, '<', value), e(column, 'is', null)])
  return value === null ? e(column, 'is not', null) : e(column, '>', value)
}

const matchesAddress = (instance: Instance, version: 4 | 6, pattern: SearchPattern): boolean =>
  instance.networkInfo.some(vif =>
    vif.subnets.some(s =>
      s.ips.some(
        ip => ip.version === version && (pattern.isIn(ip.address) || ip.floatingIps.some(f => pattern.isIn(f))),
      ),
    ),
  )

function compile(text: string): SearchPattern {
  const pattern = SearchPattern.read(text)
  if (typeof pattern === 'string') throw InvalidRegex({})
  return pattern
}

/** A column that is named again decides nothing any more. */
function orderOf(sort: NonNullable<InstanceQuery['sort']>): readonly Order[] {
  const order = new Map<Column, Order>()
  for (const { key, isDescending } of sort) {
    const column = instanceSortColumns[key]
    if (!order.has(column)) order.set(column, { column, isDescending })
  }
  return [...order.values()]
}

const conditionsOf = (db: Db, e: Builder, filter: InstanceFilter): Condition[] => [
  ...stateConditions(e, filter),
  ...placeConditions(e, filter),
  ...textConditions(db, filter),
  ...tagConditions(e, filter),
]

const newestFirst: NonNullable<InstanceQuery['sort']> = [{ key: 'created_at', isDescending: true }]

/** Nova's last key across databases, always upwards. */
const acrossOrder = (sort: InstanceQuery['sort'] = newestFirst): readonly Order[] =>
  orderOf([...sort, { key: 'uuid', isDescending: false }])

const positionIn = (order: readonly Order[], row: Selectable<CellTables['instances']>): InstancePosition =>
  Object.fromEntries(order.map(({ column }) => [column, row[column] as string | number | null]))

/** As the databases compare: nulls first, text by its bytes. */
function compareValues(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))
}

/** Which of two servers, of whatever database, comes first in this order. */
export function comparePositions(sort: InstanceQuery['sort']): (a: InstancePosition, b: InstancePosition) => number {
  const order = acrossOrder(sort)
  return (a, b) => {
    for (const { column, isDescending } of order) {
      const found = compareValues(a[column] ?? null, b[column] ?? null)
      if (found !== 0) return isDescending ? -found : found
    }
    return 0
  }
}

/** Of a server that lives, or that is deleted; with whose it is. */
export async function findPosition(
  db: Db,
  id: string,
  sort: InstanceQuery['sort'],
): Promise<{ readonly position: InstancePosition; readonly projectId: string } | undefined> {
  const row = await db
    .selectFrom('instances')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', '>=', 0)
    .executeTakeFirst()
  return row === undefined ? undefined : { position: positionIn(acrossOrder(sort), row), projectId: row.project_id }
}

/** Numbers of the servers whose columns match: only these columns are read, of all that else is asked for. */
async function searched(db: Db, filter: InstanceFilter, patterns: Patterns): Promise<readonly number[]> {
  const columns = patterns.map(([column]) => column)
  const rows = await db
    .selectFrom('instances')
    .select(['number', ...columns])
    .where(e => allOf(e, conditionsOf(db, e, filter)))
    .execute()
  const isFound = (row: (typeof rows)[number]) =>
    patterns.every(([column, pattern]) => {
      const text = row[column] ?? null
      return text !== null && pattern.isIn(text)
    })
  return rows.filter(isFound).map(row => row.number)
}

interface Read {
  readonly row: Selectable<CellTables['instances']>
  readonly instance: Instance
}

/** Reads a list in this order, from after a position. Addresses are matched in memory; the page is cut after that. */
async function readList(
  db: Db,
  { filter, limit }: Pick<InstanceQuery, 'filter' | 'limit'>,
  order: readonly Order[],
  position: InstancePosition | undefined,
  sorted: readonly Order[] = order,
): Promise<readonly Read[]> {
  let select = db
    .selectFrom('instances')
    .selectAll()
    .where(e => allOf(e, conditionsOf(db, e, filter)))
  const patterns = patternsForUs(db, patternsOf(filter))
  if (patterns.length > 0) select = select.where('number', 'in', among(await searched(db, filter, patterns)))
  if (position !== undefined) select = select.where(e => after(e, order, position))
  for (const { column, isDescending } of sorted) select = select.orderBy(column, isDescending ? 'desc' : 'asc')
  const inMemory = filter.ipV4 !== undefined || filter.ipV6 !== undefined
  if (!inMemory && limit !== undefined) select = select.limit(limit)
  const found = (await select.execute()).map(row => ({ row, instance: fromRow(row) }))
  if (!inMemory) return found
  const v4 = filter.ipV4 === undefined ? undefined : compile(filter.ipV4)
  const v6 = filter.ipV6 === undefined ? undefined : compile(filter.ipV6)
  // Both together mean either, as in Nova.
  const matching = found.filter(
    ({ instance: i }) =>
      (v4 !== undefined && matchesAddress(i, 4, v4)) || (v6 !== undefined && matchesAddress(i, 6, v6)),
  )
  return limit === undefined ? matching : matching.slice(0, limit)
}

/** One statement, plus one for the marker's row, and one for patterns that the database does not search for. */
export async function listInstances(db: Db, query: InstanceQuery): Promise<readonly Instance[]> {
  const { filter, marker: id } = query
  const asked = orderOf(query.sort ?? newestFirst)
  const tieBreak = asked[0]?.isDescending ?? true
  const order: readonly Order[] = [...asked, { column: 'number', isDescending: tieBreak }]
  let marker: InstancePosition | undefined
  if (id !== undefined) {
    const row = await db
      .selectFrom('instances')
      .selectAll()
      .where('id', '=', id)
      .where('deleted', '>=', 0)
      .executeTakeFirst()
    if (row === undefined || (filter.projectId !== undefined && row.project_id !== filter.projectId))
      throw MarkerNotFound({ marker: id })
    marker = positionIn(order, row)
  }
  return (await readList(db, query, order, marker)).map(({ instance }) => instance)
}

/**
 * By age, then by id. No index has ids behind ages, and to sort all servers for each page would take long: they are read in the
 * order of an index, which differs among servers of the same millisecond only.
 */
async function readByAge(
  db: Db,
  query: InstancePartQuery & { readonly limit: number },
  order: readonly [Order, Order],
): Promise<readonly Read[]> {
  const { filter, limit, after: position } = query
  const [age] = order
  const indexed = [age, { column: 'number', isDescending: age.isDescending } as const]
  const found = await readList(db, { filter, limit: limit + 1 }, order, position, indexed)
  const last = found[limit - 1]?.row.created_at
  const isCut = found.length > limit && found[limit]?.row.created_at === last
  const whole = found.filter(({ row }) => !isCut || row.created_at !== last)
  const together = isCut ? await readList(db, { filter: { ...filter, createdAtMs: last ?? 0 } }, order, position) : []
  const compare = comparePositions(query.sort)
  return [...whole, ...together]
    .sort((a, b) => compare(positionIn(order, a.row), positionIn(order, b.row)))
    .slice(0, limit)
}

/** A part of a list that is spread over databases, each server with its position among all. */
export async function listPart(db: Db, query: InstancePartQuery): Promise<readonly PositionedInstance[]> {
  const order = acrossOrder(query.sort)
  const { filter, limit } = query
  const [first, second, third] = order
  const isByAge = first?.column === 'created_at' && second?.column === 'id' && third === undefined
  const found =
    isByAge && limit !== undefined && filter.ipV4 === undefined && filter.ipV6 === undefined
      ? await readByAge(db, { ...query, limit }, [first, second])
      : await readList(db, query, order, query.after)
  return found.map(({ row, instance }) => ({ instance, position: positionIn(order, row) }))
}
