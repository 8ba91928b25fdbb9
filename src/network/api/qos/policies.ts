import { newUuid } from '#base'
import { deletePolicy } from '../../core/qos.ts'
import { stamp } from '../../core/unit.ts'
import { PolicyNotAuthorized } from '../../faults.ts'
import { QosPolicyNotFound } from '../../qos-faults.ts'
import type { QosPolicyRow } from '../../store/tables.ts'
import { attribute, readOnly, text, truth } from '../attributes.ts'
import { ownerOf, type Reading, type Requester } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, named, ownerWire, stampWire, tagsOf } from '../shared.ts'
import { ruleWire } from './rule-kinds.ts'

const attributes = {
  ...named,
  name: attribute(text(255), { isRequired: true }),
  shared: attribute(truth),
  rules: readOnly(),
} as const

async function visiblePolicies({ db, requester }: Reading, ids?: readonly string[]): Promise<readonly QosPolicyRow[]> {
  const read = (part?: readonly string[]) => {
    let query = db.selectFrom('qosPolicies').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where('id', 'in', part)
    if (!requester.isAdmin)
      query = query.where(eb => eb.or([eb('projectId', '=', requester.projectId ?? ''), eb('isShared', '=', 1)]))
    return query.execute()
  }
  return ids === undefined ? read() : inSlices(ids, read)
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const rows = await visiblePolicies(reading, narrow.ids)
  const ids = rows.map(row => row.id)
  const tags = await tagsOf(reading.db, ids)
  const rules = await inSlices(ids, part =>
    reading.db.selectFrom('qosRules').selectAll().where('policyId', 'in', part).orderBy('id').execute(),
  )
  const rulesOf = Map.groupBy(rules, rule => rule.policyId)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    ...ownerWire(row.projectId),
    shared: row.isShared === 1,
    // There is no default policy here.
    is_default: false,
    rules: (rulesOf.get(row.id) ?? []).map(rule => ({
      ...ruleWire(rule),
      type: rule.kind,
      qos_policy_id: row.id,
    })),
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

/** What is promised to whom, the operator says. */
export function mustBeOperator(requester: Requester, rule: string): void {
  if (!requester.isAdmin) throw PolicyNotAuthorized({ rule: `rule:${rule}` })
}

/** Sets of promises that ports and networks refer to. */
export const qosPolicies: Resource<typeof attributes> = {
  singular: 'policy',
  plural: 'policies',
  path: 'qos/policies',
  attributes,
  list,
  missing: id => QosPolicyNotFound({ id }),
  mayChange: requester => requester.isAdmin,
  async create({ unit, requester }, values) {
    mustBeOperator(requester, 'create_policy')
    const row: QosPolicyRow = {
      id: newUuid(),
      projectId: ownerOf(requester, values),
      name: values.name ?? '',
      description: values.description ?? '',
      isShared: Number(values.shared ?? false),
      ...stamp(unit),
    }
    await unit.db.insertInto('qosPolicies').values(row).execute()
    return row.id
  },
  async update({ unit }, seen, { name, description, shared }) {
    const change = {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(shared === undefined ? {} : { isShared: Number(shared) }),
    }
    await unit.db
      .updateTable('qosPolicies')
      .set(eb => ({ ...change, revision: eb('revision', '+', 1), updatedAtMs: unit.nowMs }))
      .where('id', '=', seen.id)
      .execute()
  },
  remove: ({ unit }, seen) => deletePolicy(unit, seen.id),
}
