import { operation, reply, since } from '#api/kit'
import { instanceImageOf } from '#cloud'
import { ComputeHostNotFound } from '#model'
import { turnOf } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { findCompute } from '../services/find.ts'
import { AggregateHostExists, AggregateNotFound, BadAggregate, CannotRemoveHost } from './faults.ts'
import { findAggregate, numberIn } from './find.ts'
import { hostsByCell, serverCounter } from './hosts.ts'
import { mirrorJoined, mirrorLeaving } from './membership.ts'
import { aggregate, aggregateView, hostBody, imagesBody, metadataBody } from './shape.ts'
import { mustAllowHost, mustAllowLeaving, mustAllowZone } from './zone-rules.ts'

const op = operation<ApiDeps, { id: string }>()
const whole = reply('aggregate', aggregate)

async function mustBeHost(deps: ApiDeps, host: string): Promise<void> {
  if ((await findCompute(deps, host)) === undefined) throw ComputeHostNotFound({ host })
}

export const addHost = op({
  policy: 'os_compute_api:os-aggregates:add_host',
  body: hostBody,
  reply: whole,
  faults: {
    InvalidInput: 400,
    AggregateNotFound: 404,
    ComputeHostNotFound: 404,
    AggregateHostExists: 409,
    InvalidAggregateAction: 409,
  },
  async handle({ path, body, allow }, deps) {
    allow({})
    const { host } = body
    numberIn(path.id)
    await mustBeHost(deps, host)
    const count = await serverCounter(deps)
    const changed = await deps.store.transaction(async tx => {
      await tx.turn(turnOf.aggregates())
      const found = await findAggregate(tx, path.id)
      await mustAllowHost(tx, count(tx), found, host)
      await deps.notices.tell(tx, 'aggregate.add_host.start', { aggregate: found, moved: host })
      if (!(await tx.aggregates.addHost(found.id, host))) throw AggregateHostExists({ id: found.id, host })
      const aggregate = await findAggregate(tx, path.id)
      await deps.notices.tell(tx, 'aggregate.add_host.end', { aggregate, moved: host })
      return aggregate
    })
    await mirrorJoined(deps, host)
    return aggregateView(changed)
  },
})

export const removeHost = op({
  policy: 'os_compute_api:os-aggregates:remove_host',
  body: hostBody,
  reply: whole,
  faults: { InvalidInput: 400, AggregateHostNotFound: 404, InvalidAggregateAction: 409, PlacementConflict: 409 },
  async handle({ path, body, allow }, deps) {
    allow({})
    const { host } = body
    const gone = CannotRemoveHost({ id: path.id, host })
    try {
      numberIn(path.id)
      await mustBeHost(deps, host)
      const count = await serverCounter(deps)
      const found = await findAggregate(deps.store, path.id)
      if (!found.hosts.includes(host)) throw gone
      await mustAllowLeaving(deps.store, count(deps.store), found, host)
      await mirrorLeaving(deps, host, found)
      return await deps.store.transaction(async tx => {
        await tx.turn(turnOf.aggregates())
        await mustAllowLeaving(tx, count(tx), found, host)
        await deps.notices.tell(tx, 'aggregate.remove_host.start', { aggregate: found, moved: host })
        if (!(await tx.aggregates.removeHost(found.id, host))) throw gone
        const aggregate = await findAggregate(tx, path.id)
        await deps.notices.tell(tx, 'aggregate.remove_host.end', { aggregate, moved: host })
        return aggregateView(aggregate)
      })
    } catch (error) {
      throw AggregateNotFound.is(error) || ComputeHostNotFound.is(error) ? gone : error
    }
  },
})

export const setMetadata = op({
  policy: 'os_compute_api:os-aggregates:set_metadata',
  body: metadataBody,
  reply: whole,
  faults: { InvalidInput: 400, AggregateNotFound: 404, InvalidAggregateAction: 400 },
  async handle({ path, body, allow }, deps) {
    allow({})
    const count = await serverCounter(deps)
    return deps.store.transaction(async tx => {
      await tx.turn(turnOf.aggregates())
      const found = await findAggregate(tx, path.id)
      await mustAllowZone(tx, count(tx), 'metadata', found, body.metadata)
      await deps.notices.tell(tx, 'aggregate.update_metadata.start', { aggregate: found })
      await tx.aggregates.setMetadata(found.id, body.metadata, deps.clock.now())
      const aggregate = await findAggregate(tx, path.id)
      await deps.notices.tell(tx, 'aggregate.update_metadata.end', { aggregate })
      return aggregateView(aggregate)
    })
  },
})

/** Has the aggregate's hosts fetch images ahead. A wish: hosts that cannot do it fetch an image when they first need it. */
export const cacheImages = op({
  exists: since('2.81'),
  status: 202,
  policy: 'compute:aggregates:images',
  body: imagesBody,
  faults: { InvalidInput: 400, AggregateNotFound: 404, ImageNotFound: 400 },
  async handle({ path, body, caller, allow, requestId }, deps) {
    allow({})
    numberIn(path.id)
    const ids = body.cache.map(({ id }) => id)
    if (new Set(ids).size < ids.length) throw BadAggregate({ text: 'Duplicate images in request' })
    const { hosts, id: number, uuid, name, metadata } = await findAggregate(deps.store, path.id)
    const { userId, projectId } = caller
    const images = []
    for (const id of ids) images.push(instanceImageOf(await deps.images.get(caller, id)))
    try {
      const aggregate = { id: number, uuid, name, metadata }
      const asker = { userId, projectId, requestId }
      for (const { deps: own, hosts: some } of await hostsByCell(deps, hosts))
        await own.conductor.cacheImages({ hosts: some, images, aggregate, asker })
    } catch (error) {
      deps.log.warn({ aggregate: path.id, err: error }, 'no conductor took the wish for images ahead of their use')
    }
  },
})
