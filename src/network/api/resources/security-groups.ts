import type { Json } from '#base'
import { touchServerOf } from '../../core/floating-release.ts'
import {
  createGroup,
  deleteGroup,
  ensureDefaultGroup,
  groupById,
  hasDefaultGroup,
  isDefaultGroup,
} from '../../core/security-groups.ts'
import type { Unit } from '../../core/unit.ts'
import { SecurityGroupCannotUpdateDefault, SecurityGroupDefaultExists, SecurityGroupNotFound } from '../../faults.ts'
import type { SecurityGroupRow } from '../../store/tables.ts'
import { readOnly } from '../attributes.ts'
import { ownerOf, type Reading } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, named, ownerWire, stampWire, tagsOf } from '../shared.ts'
import { ruleWire } from './rules.ts'

const attributes = { ...named, security_group_rules: readOnly() } as const

export async function visibleGroups(
  { db, requester }: Reading,
  ids?: readonly string[],
  projectId?: string,
): Promise<readonly SecurityGroupRow[]> {
  const read = (part?: readonly string[]) => {
    let query = db.selectFrom('securityGroups').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where('id', 'in', part)
    if (projectId !== undefined) query = query.where('projectId', '=', projectId)
    if (!requester.isAdmin) query = query.where('projectId', '=', requester.projectId ?? '')
    return query.execute()
  }
  return ids === undefined ? read() : inSlices(ids, read)
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const rows = await visibleGroups(reading, narrow.ids)
  const ids = rows.map(row => row.id)
  const tags = await tagsOf(reading.db, ids)
  const rules = await inSlices(ids, part =>
    reading.db
      .selectFrom('securityGroupRules')
      .selectAll()
      .where('groupId', 'in', part)
      .orderBy('createdAtMs')
      .execute(),
  )
  const rulesOf = Map.groupBy(rules, rule => rule.groupId)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    ...ownerWire(row.projectId),
    description: row.description,
    security_group_rules: (rulesOf.get(row.id) ?? []).map(ruleWire) as Json,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

/** Only the first group of a project bears that name. */
const isReserved = (name: string | undefined): boolean => name?.toLowerCase() === 'default'

/** Servers show their groups by name. */
async function touchServersIn(unit: Unit, groupId: string): Promise<void> {
  const held = await unit.db.selectFrom('portSecurityGroups').select('portId').where('groupId', '=', groupId).execute()
  for (const { portId } of held) await touchServerOf(unit, portId)
}

export const securityGroups: Resource<typeof attributes> = {
  singular: 'security_group',
  plural: 'security_groups',
  path: 'security-groups',
  attributes,
  async prepare({ db, requester }, work) {
    const { projectId, mayWrite } = requester
    if (projectId === null || !mayWrite || (await hasDefaultGroup(db, projectId))) return
    await work.run(unit => ensureDefaultGroup(unit, projectId))
  },
  list,
  missing: id => SecurityGroupNotFound({ id }),
  async create({ unit, requester }, values) {
    const projectId = ownerOf(requester, values)
    if (isReserved(values.name)) {
      await ensureDefaultGroup(unit, projectId)
      throw SecurityGroupDefaultExists({})
    }
    const { name = '', description = '' } = values
    return (await createGroup(unit, { projectId, name, description })).id
  },
  async update({ unit }, seen, values) {
    const row = await groupById(unit.db, seen.id)
    if (row === undefined) throw SecurityGroupNotFound({ id: seen.id })
    if (isReserved(values.name)) throw SecurityGroupDefaultExists({})
    if (values.name !== undefined && values.name !== row.name && (await isDefaultGroup(unit.db, row.id))) {
      throw SecurityGroupCannotUpdateDefault({})
    }
    const { name = row.name, description = row.description } = values
    await unit.db
      .updateTable('securityGroups')
      .set({ name, description, revision: row.revision + 1, updatedAtMs: unit.nowMs })
      .where('id', '=', row.id)
      .execute()
    if (name !== row.name) await touchServersIn(unit, row.id)
  },
  remove: ({ unit, requester }, seen) => deleteGroup(unit, seen.id, requester.isAdmin),
}
