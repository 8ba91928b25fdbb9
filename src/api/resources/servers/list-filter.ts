import { parseIsoTime } from '#api/kit'
import { declareFault, fromJson } from '#base'
import { statesOfStatus, type TaskState, type VmState } from '#model'
import type { InstanceFilter, InstanceQuery, InstanceSortKey, PatternColumn } from '#store'
import { isSortable } from './list-query.ts'

/** A value that Nova answers with 400 and exactly this text. */
export const BadFilter = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
export const AdminOnlyFilter = declareFault('AdminOnlyFilter', 'refused', (p: { text: string }) => p.text, 403)

/** What everybody may filter by; other keys of a user without `allow_all_filters` are dropped without a word. */
const forAll = ['reservation_id', 'name', 'status', 'image', 'flavor', 'ip', 'changes-since', 'all_tenants']
const forAllSince: readonly (readonly [minor: number, ...names: string[]])[] = [
  [5, 'ip6'],
  [26, 'tags', 'tags-any', 'not-tags', 'not-tags-any'],
  [66, 'changes-before'],
  [73, 'locked'],
  [83, 'availability_zone', 'config_drive', 'key_name', 'created_at', 'launched_at', 'terminated_at', 'power_state'],
  [83, 'task_state', 'vm_state', 'progress', 'user_id'],
  [90, 'hostname'],
]

/** Which of the filters above exist at the request's version; named behaviours of the operation. */
export interface FilterRights {
  readonly mayUseAll: boolean
  readonly isAdmin: boolean
  readonly refusesUnknownStatus: boolean
  /** Minor microversion, by the operation's behaviours. */
  readonly minor: number
}

export type ListValues = Readonly<Record<string, readonly (string | number)[] | undefined>>

const trueWords = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const isTrue = (text: string): boolean => trueWords.has(text.trim().toLowerCase())

const words = (text: string): string[] => text.split(',').filter(word => word !== '')

/** Values this caller may filter by at this version, the last one of each, as text. */
function permitted(values: ListValues, rights: FilterRights): Map<string, string> {
  const allowed = new Set(forAll)
  for (const [minor, ...names] of forAllSince) if (rights.minor >= minor) for (const name of names) allowed.add(name)
  const found = new Map<string, string>()
  for (const [name, list] of Object.entries(values)) {
    const last = list?.at(-1)
    if (last === undefined) continue
    if (rights.mayUseAll || allowed.has(name)) found.set(name, String(last))
  }
  return found
}

/** What this caller filters by, the choice of projects aside. */
export const filtersOf = (values: ListValues, rights: FilterRights): readonly string[] =>
  [...permitted(values, rights).keys()].filter(name => name !== 'all_tenants' && !notFilters.has(name))

const notFilters = new Set(['limit', 'marker', 'sort_key', 'sort_dir'])

const instant = (value: string): number => {
  const ms = parseIsoTime(value)
  if (ms === undefined) throw BadFilter({ text: 'Invalid changes-since value' })
  return ms
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Draft = Mutable<InstanceFilter>

const patternColumns: Readonly<Record<string, PatternColumn>> = {
  name: 'display_name',
  display_name: 'display_name',
  description: 'description',
  display_description: 'description',
  hostname: 'hostname',
  key_name: 'key_name',
  node: 'node',
  reservation_id: 'reservation_id',
  root_device_name: 'root_device_name',
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  locked_by: 'locked_by',
}

/** Columns compared as they are. */
const equalities: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  user_id: (d, v) => {
    d.userId = v
  },
  host: (d, v) => {
    d.host = v
  },
  image: (d, v) => {
    d.imageId = v
  },
  image_ref: (d, v) => {
    d.imageId = v
  },
  flavor: (d, v) => {
    d.flavorId = v
  },
  uuid: (d, v) => {
    d.ids = [v]
  },
  vm_state: (d, v) => {
    d.vmStates = [v as VmState]
  },
  task_state: (d, v) => {
    d.taskStates = [v === '' ? null : (v as TaskState)]
  },
  power_state: (d, v) => {
    d.powerStates = [Number(v)]
  },
  progress: (d, v) => {
    d.progress = Number(v)
  },
  launch_index: (d, v) => {
    d.launchIndex = Number(v)
  },
  config_drive: (d, v) => {
    d.hasConfigDrive = isTrue(v)
  },
  locked: (d, v) => {
    d.isLocked = isTrue(v)
  },
  ip: (d, v) => {
    d.ipV4 = v
  },
  ip6: (d, v) => {
    d.ipV6 = v
  },
  tags: (d, v) => {
    d.tags = words(v)
  },
  'tags-any': (d, v) => {
    d.tagsAny = words(v)
  },
  'not-tags': (d, v) => {
    d.notTags = words(v)
  },
  'not-tags-any': (d, v) => {
    d.notTagsAny = words(v)
  },
  metadata: (d, v) => {
    d.metadata = jsonPairs(v, 'metadata')
  },
  system_metadata: (d, v) => {
    d.systemMetadata = jsonPairs(v, 'system_metadata')
  },
  launched_at: (d, v) => {
    d.launchedAtMs = instant(v)
  },
  terminated_at: (d, v) => {
    d.terminatedAtMs = instant(v)
  },
  created_at: (d, v) => {
    d.createdSinceMs = instant(v)
  },
}

function jsonPairs(text: string, name: string): Record<string, string> {
  try {
    const value = fromJson<unknown>(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, string>
  } catch (cause) {
    throw BadFilter({ text: `Invalid filter value for ${name}` }, { cause })
  }
  throw BadFilter({ text: `Invalid filter value for ${name}` })
}

/** Several `status` values add up. Undefined: no server can have these. */
function applyStatus(draft: Draft, statuses: readonly (string | number)[], rights: FilterRights): boolean {
  const vm = new Set<VmState>()
  const task = new Set<TaskState>()
  let anyTask = false
  for (const status of statuses) {
    const states = statesOfStatus(String(status))
    for (const state of states?.vm ?? []) vm.add(state)
    if (states?.task === 'any') anyTask = true
    else for (const state of states?.task ?? []) task.add(state)
  }
  if (vm.size === 0) {
    if (rights.refusesUnknownStatus) throw BadFilter({ text: 'Invalid status value' })
    return false
  }
  draft.vmStates = [...vm]
  if (!anyTask) draft.taskStates = [...task]
  return true
}

function applyDeletion(draft: Draft, asked: Map<string, string>, rights: FilterRights): void {
  const deleted = asked.get('deleted')
  const follows = asked.has('changes-since') || asked.has('changes-before')
  draft.deleted = deleted === undefined ? (follows ? 'any' : 'no') : isTrue(deleted) ? 'only' : 'no'
  const soft = asked.get('soft_deleted')
  // Any word means yes, `False` too.
  if (soft !== undefined) draft.softDeleted = soft !== ''
  if (draft.vmStates?.length === 1 && draft.vmStates[0] === 'deleted') {
    if (!rights.isAdmin) throw AdminOnlyFilter({ text: 'Only administrators may list deleted instances' })
    draft.deleted = 'only'
  }
}

/** Replies show whole seconds: who asks with what he was shown means all of that second. */
const untilEndOfSecond = (ms: number): number => (ms % 1000 === 0 ? ms + 999 : ms)

function applyChanges(draft: Draft, asked: Map<string, string>): void {
  const [since, before] = [asked.get('changes-since'), asked.get('changes-before')]
  if (since !== undefined) draft.changedSinceMs = instant(since)
  if (before !== undefined) draft.changedBeforeMs = untilEndOfSecond(instant(before))
  if (
    draft.changedSinceMs !== undefined &&
    draft.changedBeforeMs !== undefined &&
    draft.changedSinceMs > draft.changedBeforeMs
  ) {
    throw BadFilter({ text: 'The value of changes-since must be less than or equal to changes-before.' })
  }
}

/** `all_tenants` with a value that means yes; an empty value does. */
function asksForAll(asked: Map<string, string>): boolean {
  const value = asked.get('all_tenants')
  if (value === undefined) return false
  if (value === '') return true
  if (!/^(1|t|true|on|y|yes|0|f|false|off|n|no)$/i.test(value.trim())) {
    throw BadFilter({
      text: `Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
    })
  }
  return isTrue(value)
}

/** From the query's values to what the store is asked. Scope (project or all) is added by the caller of this. */
export function filterOf(
  values: ListValues,
  rights: FilterRights,
): { filter: InstanceFilter; allTenants: boolean; zone: string | undefined } | undefined {
  const asked = permitted(values, rights)
  const draft: Draft = { deleted: 'no' }
  for (const [name, value] of asked) equalities[name]?.(draft, value)
  const patterns: Partial<Record<PatternColumn, string>> = {}
  for (const [name, value] of asked) {
    const column = patternColumns[name]
    if (column !== undefined) patterns[column] = value
  }
  if (Object.keys(patterns).length > 0) draft.patterns = patterns
  const statuses = values['status']
  if (statuses !== undefined && !applyStatus(draft, statuses, rights)) return undefined
  applyChanges(draft, asked)
  applyDeletion(draft, asked, rights)
  const allTenants = asksForAll(asked)
  const project = asked.get('project_id') ?? asked.get('tenant_id')
  if (allTenants && project !== undefined) draft.projectId = project
  return { filter: draft, allTenants, zone: asked.get('availability_zone') }
}

/** Nova's default order, or the keys asked for; keys that mean nothing are skipped. */
export function sortOfList(
  values: ListValues,
  isAdmin: boolean,
  knowsLocked: boolean,
): NonNullable<InstanceQuery['sort']> {
  const keys = (values['sort_key'] ?? []).map(key => String(key).trim())
  const dirs = (values['sort_dir'] ?? []).map(dir => String(dir).trim())
  if (!isAdmin && keys.some(key => key === 'host' || key === 'node')) {
    throw AdminOnlyFilter({ text: 'Only administrators can sort servers by host, node' })
  }
  const first = dirs[0] ?? 'desc'
  const asked = keys.length === 0 ? ['created_at'] : keys
  return asked.flatMap((key, i) => {
    const dir = dirs[i] ?? first
    if (dir !== 'asc' && dir !== 'desc') {
      throw BadFilter({
        text: `Unknown sort direction, must be one of: asc-nullsfirst, asc-nullslast, desc-nullsfirst, desc-nullslast, asc, desc`,
      })
    }
    if (!isSortable(key) || (key === 'locked' && !knowsLocked)) return []
    return [{ key: key as InstanceSortKey, isDescending: dir === 'desc' }]
  })
}
