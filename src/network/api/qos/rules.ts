import type { FastifyRequest } from 'fastify'
import { newUuid } from '#base'
import type { Face } from '#http'
import { mustBeUnused } from '../../core/qos.ts'
import type { Unit } from '../../core/unit.ts'
import { BadRequest } from '../../faults.ts'
import { QosRuleNotFound, QosRulesConflict } from '../../qos-faults.ts'
import type { Db } from '../../store/open.ts'
import type { QosRuleRow } from '../../store/tables.ts'
import { attribute, integer, isObject, oneOf, readAttributes, readOnly } from '../attributes.ts'
import type { Requester } from '../context.ts'
import { type ApiDeps, queryOf, readBody, requesterFrom } from '../crud.ts'
import { filterWires, pickFields } from '../listing.ts'
import { mustBeOperator, qosPolicies } from './policies.ts'
import { mostOfAmount, type RuleKind, ruleKinds, ruleWire } from './rule-kinds.ts'

type Place = { policyId: string; ruleId: string }
const placeOf = (request: FastifyRequest) => request.params as Place

const attributesOf = ({ field, directions }: RuleKind) => ({
  id: readOnly(),
  direction: attribute(oneOf(...directions)),
  [field]: attribute(integer(0, mostOfAmount)),
})

function asked(kind: RuleKind, verb: 'post' | 'put', request: FastifyRequest): Partial<QosRuleRow> {
  const inner = readBody(request)[kind.singular]
  if (!isObject(inner)) throw BadRequest({ reason: `Unable to find '${kind.singular}' in request body` })
  const values = readAttributes(attributesOf(kind), verb, inner) as {
    direction?: QosRuleRow['direction']
    min_kbps?: number
    min_kpps?: number
  }
  const amount = values[kind.field]
  if (verb === 'post' && amount === undefined)
    throw BadRequest({ reason: `Failed to parse request. Required attribute '${kind.field}' not specified` })
  const { direction } = values
  return { ...(direction === undefined ? {} : { direction }), ...(amount === undefined ? {} : { amount }) }
}

/** A rule beside one that says the same again, or both ways at once. */
async function mustNotConflict({ db }: Unit, rule: QosRuleRow): Promise<void> {
  const { policyId, kind, direction } = rule
  const others = await db
    .selectFrom('qosRules')
    .selectAll()
    .where('policyId', '=', policyId)
    .where('kind', '=', kind)
    .where('id', '!=', rule.id)
    .execute()
  const other = others.find(one => one.direction === direction || one.direction === 'any' || direction === 'any')
  if (other !== undefined) throw QosRulesConflict({ kind, ruleId: other.id, policyId })
}

async function ruleOf(db: Db, kind: RuleKind, { policyId, ruleId }: Place): Promise<QosRuleRow> {
  const row = await db.selectFrom('qosRules').selectAll().where('id', '=', ruleId).executeTakeFirst()
  if (row === undefined || row.policyId !== policyId || row.kind !== kind.kind)
    throw QosRuleNotFound({ id: ruleId, policyId })
  return row
}

/** `/v2.0/qos/policies/{id}/minimum_bandwidth_rules` and the like. */
function serveKind(face: Face, deps: ApiDeps, kind: RuleKind): void {
  const { db, work, identity } = deps
  const base = `/v2.0/qos/policies/:policyId/${kind.plural}`
  const known = new Set(['id', 'direction', kind.field])

  const reader = async (request: FastifyRequest): Promise<Requester> => {
    const requester = await requesterFrom(identity, request)
    const { policyId } = placeOf(request)
    const [policy] = await qosPolicies.list({ db, requester }, { ids: [policyId] })
    if (policy === undefined) throw qosPolicies.missing(policyId)
    return requester
  }
  const writer = async (request: FastifyRequest, verb: string): Promise<void> =>
    mustBeOperator(await reader(request), `${verb}_policy_${kind.singular}`)

  face.get(base, async request => {
    await reader(request)
    const rows = await db
      .selectFrom('qosRules')
      .selectAll()
      .where('policyId', '=', placeOf(request).policyId)
      .where('kind', '=', kind.kind)
      .orderBy('id')
      .execute()
    const query = queryOf(request)
    return { [kind.plural]: filterWires(rows.map(ruleWire), query, known).map(wire => pickFields(wire, query)) }
  })
  face.get(`${base}/:ruleId`, async request => {
    await reader(request)
    return { [kind.singular]: pickFields(ruleWire(await ruleOf(db, kind, placeOf(request))), queryOf(request)) }
  })
  face.post(base, async (request, reply) => {
    await writer(request, 'create')
    const { policyId } = placeOf(request)
    const { amount = 0, direction = 'egress' } = asked(kind, 'post', request)
    const rule: QosRuleRow = { id: newUuid(), policyId, kind: kind.kind, direction, amount }
    await work.run(async unit => {
      await mustNotConflict(unit, rule)
      await mustBeUnused(unit, policyId)
      await unit.db.insertInto('qosRules').values(rule).execute()
    })
    reply.code(201)
    return { [kind.singular]: ruleWire(rule) }
  })
  face.put(`${base}/:ruleId`, async request => {
    await writer(request, 'update')
    const place = placeOf(request)
    const change = asked(kind, 'put', request)
    return work.run(async unit => {
      const rule = { ...(await ruleOf(unit.db, kind, place)), ...change }
      await mustNotConflict(unit, rule)
      await mustBeUnused(unit, place.policyId)
      const { direction, amount } = rule
      await unit.db.updateTable('qosRules').set({ direction, amount }).where('id', '=', rule.id).execute()
      return { [kind.singular]: ruleWire(rule) }
    })
  })
  face.delete(`${base}/:ruleId`, async (request, reply) => {
    await writer(request, 'delete')
    const place = placeOf(request)
    await work.run(async unit => {
      const { id } = await ruleOf(unit.db, kind, place)
      await mustBeUnused(unit, place.policyId)
      await unit.db.deleteFrom('qosRules').where('id', '=', id).execute()
    })
    return reply.code(204).send()
  })
}

const typeWire = ({ kind, field, directions }: RuleKind) => ({
  type: kind,
  drivers: [
    {
      name: 'linuxbridge',
      supported_parameters: [
        { parameter_name: field, parameter_type: 'range', parameter_values: { start: 0, end: mostOfAmount } },
        { parameter_name: 'direction', parameter_type: 'choices', parameter_values: [...directions] },
      ],
    },
  ],
})

export function serveQosRules(face: Face, deps: ApiDeps): void {
  for (const kind of ruleKinds) serveKind(face, deps, kind)
  face.get('/v2.0/qos/rule-types', async request => {
    await requesterFrom(deps.identity, request)
    const query = queryOf(request)
    const types = ruleKinds.map(({ kind }) => ({ type: kind }))
    return { rule_types: filterWires(types, query, new Set(['type', 'all_supported', 'all_rules'])) }
  })
  face.get('/v2.0/qos/rule-types/:type', async request => {
    mustBeOperator(await requesterFrom(deps.identity, request), 'get_rule_type')
    const { type } = request.params as { type: string }
    const kind = ruleKinds.find(one => one.kind === type)
    if (kind === undefined) throw BadRequest({ reason: `Rule type ${type} is not supported.` })
    return { rule_type: typeWire(kind) }
  })
}
