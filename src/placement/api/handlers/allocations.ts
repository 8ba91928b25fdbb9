import { isUuidLike } from '#base'
import type { Allocations } from '#cloud'
import {
  type ConsumerChange,
  releaseAllocations,
  setAllocations,
  storedHoldings,
} from '../../operations/allocations.ts'
import { providerOf } from '../../operations/inventories.ts'
import { reshape as reshapeAll } from '../../operations/reshape.ts'
import { readAllocationsOf, readConsumers } from '../../store/consumers.ts'
import { badRequest, conflict, errorCode, notFound, type Rewording, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'
import { fromBody, type InventoryBody } from './inventories.ts'
import { dashed } from './providers.ts'

type Resources = Record<string, number>

interface ConsumerBody {
  readonly allocations:
    | Record<string, { resources: Resources }>
    | { resource_provider: { uuid: string }; resources: Resources }[]
  readonly project_id?: string
  readonly user_id?: string
  readonly consumer_generation?: number | null
  readonly consumer_type?: string
}

/** `[placement]incomplete_consumer_project_id` and `…user_id`: whose allocations are that name nobody. */
const nobody = '00000000-0000-0000-0000-000000000000'

function changeOf(consumerId: string, body: ConsumerBody): ConsumerChange {
  const entries = Array.isArray(body.allocations)
    ? body.allocations.map(entry => [entry.resource_provider.uuid, entry.resources] as const)
    : Object.entries(body.allocations).map(([id, entry]) => [id, entry.resources] as const)
  return {
    consumerId,
    allocations: Object.fromEntries(entries) as Allocations,
    projectId: body.project_id ?? nobody,
    userId: body.user_id ?? nobody,
    consumerType: body.consumer_type,
    // The schemas require it from 1.28 on and know nothing of it before.
    generation: body.consumer_generation,
  }
}

const writing = (unknownClass: string): Rewording => ({
  ConsumerGenerationConflict: f => conflict(f.message, errorCode.concurrentUpdate),
  ResourceProviderConcurrentUpdateDetected: f =>
    conflict(
      `Inventory and/or allocations changed while attempting to allocate: ${f.message}`,
      errorCode.concurrentUpdate,
    ),
  ResourceClassNotFound: f => badRequest(`${unknownClass} ${f.message}`),
  InvalidInventory: f => conflict(`Unable to allocate inventory: ${f.message} ${String(f.params['reason'])}.`),
})

export async function putAllocations(call: Call): Promise<Reply> {
  const given = call.path['consumer_uuid'] ?? ''
  if (!isUuidLike(given)) throw badRequest(`Malformed consumer_uuid: ${given}`)
  const id = dashed(given)
  await reworded(writing(`Unable to allocate inventory for consumer ${id}:`), () =>
    call.ledger.write(write => setAllocations(write, [changeOf(id, call.body as ConsumerBody)])),
  )
  return { status: 204, cacheable: false }
}

const changesOf = (bodies: Readonly<Record<string, ConsumerBody>>): ConsumerChange[] =>
  Object.entries(bodies).map(([id, body]) => changeOf(id, body))

export async function postAllocations(call: Call): Promise<Reply> {
  const changes = changesOf(call.body as Record<string, ConsumerBody>)
  await reworded(writing('Unable to allocate inventory'), () =>
    call.ledger.write(write => setAllocations(write, changes)),
  )
  return { status: 204, cacheable: false }
}

export async function deleteAllocations(call: Call): Promise<Reply> {
  const id = call.path['consumer_uuid'] ?? ''
  if (!(await call.ledger.write(write => releaseAllocations(write, id)))) {
    throw notFound(`No allocations for consumer '${id}'`)
  }
  return { status: 204, cacheable: false }
}

export async function getConsumerAllocations(call: Call): Promise<Reply> {
  const id = call.path['consumer_uuid'] ?? ''
  const stored = (await readConsumers(call.ledger.db, [id])).get(id)
  const snapshot = await call.ledger.read()
  const allocations: Record<string, { generation: number; resources: Resources }> = {}
  for (const { node, resourceClass, amount } of storedHoldings(snapshot, stored)) {
    const entry = (allocations[node.id] ??= { generation: node.generation, resources: {} })
    entry.resources[resourceClass] = amount
  }
  if (stored === undefined) return { status: 200, body: { allocations } }
  return {
    status: 200,
    body: {
      allocations,
      ...(call.has('allocationsByProvider') ? { project_id: stored.project_id, user_id: stored.user_id } : {}),
      ...(call.has('consumerGenerations') ? { consumer_generation: stored.generation } : {}),
      ...(call.has('consumerTypes') ? { consumer_type: stored.consumer_type ?? 'unknown' } : {}),
    },
    modifiedMs: Number(stored.updated_at),
  }
}

export async function getProviderAllocations(call: Call): Promise<Reply> {
  const snapshot = await call.ledger.read()
  const node = providerOf(snapshot, call.path['uuid'] ?? '')
  const generation = node.generation
  const rows = await readAllocationsOf(call.ledger.db, node.key)
  const allocations: Record<string, { resources: Resources; consumer_generation?: number }> = {}
  for (const row of rows) {
    const shown = call.has('consumerGenerations') ? { consumer_generation: row.generation } : {}
    const entry = (allocations[row.consumer_uuid] ??= { resources: {}, ...shown })
    entry.resources[snapshot.classes.name(row.class_id)] = row.used
  }
  return {
    status: 200,
    body: { allocations, resource_provider_generation: generation },
    ...(rows.length === 0 ? {} : { modifiedMs: Math.max(...rows.map(row => Number(row.updated_at))) }),
  }
}

export async function reshape(call: Call): Promise<Reply> {
  const body = call.body as {
    inventories: Record<string, { resource_provider_generation: number; inventories: Record<string, InventoryBody> }>
    allocations: Record<string, ConsumerBody>
  }
  const providers = Object.fromEntries(
    Object.entries(body.inventories).map(([id, wanted]) => [
      id,
      {
        generation: wanted.resource_provider_generation,
        inventories: Object.fromEntries(Object.entries(wanted.inventories).map(([name, raw]) => [name, fromBody(raw)])),
      },
    ]),
  )
  await reworded(
    {
      ...writing('malformed reshaper data:'),
      ReshapeProviderNotFound: f => badRequest(f.message, errorCode.providerNotFound),
      ResourceProviderConcurrentUpdateDetected: f => conflict(f.message, errorCode.concurrentUpdate),
      InventoryInUse: f => conflict(`update conflict: ${f.message}`, errorCode.inventoryInUse),
    },
    () => call.ledger.write(write => reshapeAll(write, providers, changesOf(body.allocations))),
  )
  return { status: 204, cacheable: false }
}
