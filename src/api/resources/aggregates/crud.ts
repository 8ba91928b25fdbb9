import { list, obj, operation, query, reply, since } from '#api/kit'
import { turnOf } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { AggregateNameExists, InvalidAggregateAction } from './faults.ts'
import { findAggregate, numberIn } from './find.ts'
import { serverCounter } from './hosts.ts'
import { aggregate, aggregateView, createBody, newAggregate, updateBody } from './shape.ts'
import { mustAllowZone } from './zone-rules.ts'

const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()
const noQuery = query({}, { strict: since('2.102') })

export const index = op({
  policy: 'os_compute_api:os-aggregates:index',
  query: noQuery,
  reply: reply('aggregates', list(obj(aggregate))),
  async handle({ allow }, deps) {
    allow({})
    return (await deps.store.aggregates.list()).map(aggregateView)
  },
})

export const create = op({
  policy: 'os_compute_api:os-aggregates:create',
  body: createBody,
  reply: reply('aggregate', newAggregate),
  faults: { AggregateNameExists: 409 },
  async handle({ body, allow }, deps) {
    allow({})
    const name = body.name.trim()
    const zone = body.availability_zone?.trim() ?? null
    const made = await deps.store.transaction(async tx => {
      const aggregate = await tx.aggregates.create(name, zone, deps.clock.now())
      if (aggregate === undefined) return undefined
      const metadata = zone === null ? {} : { availability_zone: zone }
      const before = { id: null, uuid: aggregate.uuid, name, hosts: null, metadata }
      await deps.notices.tell(tx, 'aggregate.create.start', { aggregate: before })
      await deps.notices.tell(tx, 'aggregate.create.end', { aggregate })
      return aggregate
    })
    if (made === undefined) throw AggregateNameExists({ name })
    return aggregateView(made)
  },
})

export const show = opOnOne({
  policy: 'os_compute_api:os-aggregates:show',
  query: noQuery,
  reply: reply('aggregate', aggregate),
  faults: { InvalidInput: 400, AggregateNotFound: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    return aggregateView(await findAggregate(deps.store, path.id))
  },
})

/** The zone goes into the metadata; name and zone change together or not at all. */
export const update = opOnOne({
  policy: 'os_compute_api:os-aggregates:update',
  body: updateBody,
  reply: reply('aggregate', aggregate),
  faults: { InvalidInput: 400, AggregateNotFound: 404, AggregateNameExists: 409, InvalidAggregateAction: 400 },
  async handle({ path, body, allow }, deps) {
    allow({})
    numberIn(path.id)
    const { name: asked, ...metadata } = body.aggregate
    const name = asked?.trim()
    const count = await serverCounter(deps)
    return deps.store.transaction(async tx => {
      await tx.turn(turnOf.aggregates())
      const found = await findAggregate(tx, path.id)
      const nowMs = deps.clock.now()
      if (name !== undefined && !(await tx.aggregates.rename(found.id, name, nowMs)))
        throw AggregateNameExists({ name })
      await mustAllowZone(tx, count(tx), 'update', { ...found, name: name ?? found.name }, metadata)
      if (name !== undefined)
        await deps.notices.tell(tx, 'aggregate.update_prop.start', { aggregate: { ...found, name } })
      const { availability_zone: zone } = metadata
      if (zone !== undefined) {
        await deps.notices.tell(tx, 'aggregate.update_metadata.start', { aggregate: found })
        await tx.aggregates.setMetadata(found.id, { availability_zone: zone }, nowMs)
      }
      const aggregate = await findAggregate(tx, path.id)
      if (name !== undefined) await deps.notices.tell(tx, 'aggregate.update_prop.end', { aggregate })
      if (zone !== undefined) await deps.notices.tell(tx, 'aggregate.update_metadata.end', { aggregate })
      return aggregateView(aggregate)
    })
  },
})

export const remove = opOnOne({
  status: 200,
  policy: 'os_compute_api:os-aggregates:delete',
  faults: { InvalidInput: 400, AggregateNotFound: 404, InvalidAggregateAction: 400 },
  async handle({ path, allow }, deps) {
    allow({})
    await deps.store.transaction(async tx => {
      await tx.turn(turnOf.aggregates())
      const aggregate = await findAggregate(tx, path.id)
      const { id, hosts } = aggregate
      if (hosts.length > 0) {
        throw InvalidAggregateAction({ action: 'remove', id, reason: 'Host aggregate is not empty' })
      }
      await deps.notices.tell(tx, 'aggregate.delete.start', { aggregate })
      await tx.aggregates.delete(id)
      await deps.notices.tell(tx, 'aggregate.delete.end', { aggregate })
    })
  },
})
