import type { Inventory } from '#cloud'
import { wholeCapacity } from '../../engine/capacity.ts'
import type { ProviderNode } from '../../engine/provider-node.ts'
import {
  type Inventories,
  providerOf,
  putInventory,
  removeInventory,
  setInventories,
} from '../../operations/inventories.ts'
import { badRequest, conflict, errorCode, notFound, type Rewording, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'
import { largestInteger } from '../schemas/words.ts'

export interface InventoryBody {
  readonly total: number
  readonly reserved?: number
  readonly min_unit?: number
  readonly max_unit?: number
  readonly step_size?: number
  readonly allocation_ratio?: number
  readonly resource_provider_generation?: number
}

export const fromBody = (body: InventoryBody): Inventory => ({
  total: body.total,
  reserved: body.reserved ?? 0,
  minUnit: body.min_unit ?? 1,
  maxUnit: body.max_unit ?? largestInteger,
  stepSize: body.step_size ?? 1,
  allocationRatio: body.allocation_ratio ?? 1,
})

const view = (inventory: Inventory) => ({
  total: inventory.total,
  reserved: inventory.reserved,
  min_unit: inventory.minUnit,
  max_unit: inventory.maxUnit,
  step_size: inventory.stepSize,
  allocation_ratio: inventory.allocationRatio,
})

const stale = (what: string) => () => conflict(what, errorCode.concurrentUpdate)
const rpOf = (call: Call): string => call.path['uuid'] ?? ''
const classOf = (call: Call): string => call.path['resource_class'] ?? ''

function all(node: ProviderNode): Reply {
  const stocks = [...node.stocks.values()]
  return {
    status: 200,
    body: {
      resource_provider_generation: node.generation,
      inventories: Object.fromEntries(stocks.map(stock => [stock.resourceClass, view(stock)])),
    },
    ...(stocks.length === 0 ? {} : { modifiedMs: Math.max(...stocks.map(stock => stock.updatedAtMs)) }),
  }
}

function single(node: ProviderNode, resourceClass: string, status = 200): Reply {
  const stock = node.stocks.get(resourceClass)
  if (stock === undefined) throw notFound(`No inventory of class ${resourceClass} for ${node.id}`)
  // The original leaves a generation of 0 out.
  const generation = node.generation === 0 ? {} : { resource_provider_generation: node.generation }
  return { status, body: { ...view(stock), ...generation }, modifiedMs: stock.updatedAtMs }
}

/** What is reserved must leave something, and from 1.26 must leave nothing below zero. */
function checkCapacities(call: Call, inventories: Inventories, action: string): void {
  const mayBeZero = call.has('reservedMayBeTotal')
  for (const [name, inventory] of Object.entries(inventories)) {
    const capacity = wholeCapacity(inventory)
    if (capacity > 0 || (capacity === 0 && mayBeZero)) continue
    const reason = `The reserved value is greater than ${mayBeZero ? '' : 'or equal to '}total.`
    throw badRequest(
      `Unable to ${action} inventory for resource provider ${rpOf(call)}: ` +
        `Invalid inventory for '${name}' on resource provider '${rpOf(call)}'. ${reason}`,
    )
  }
}

export async function list(call: Call): Promise<Reply> {
  return all(providerOf(await call.ledger.read(), rpOf(call)))
}

export async function show(call: Call): Promise<Reply> {
  return single(providerOf(await call.ledger.read(), rpOf(call)), classOf(call))
}

export async function add(call: Call): Promise<Reply> {
  const { resource_class: name, ...body } = call.body as InventoryBody & { resource_class: string }
  const id = rpOf(call)
  const inventory = fromBody(body)
  providerOf(await call.ledger.read(), id)
  checkCapacities(call, { [name]: inventory }, 'create')
  await reworded(
    {
      InventoryExists: f => conflict(`Update conflict: ${f.message}`, errorCode.concurrentUpdate),
      ResourceClassNotFound: f => badRequest(`Unable to create inventory for resource provider ${id}: ${f.message}`),
    },
    () => call.ledger.write(write => putInventory(write, id, name, inventory, { mode: 'add' })),
  )
  const node = providerOf(await call.ledger.read(), id)
  return { ...single(node, name, 201), location: `/resource_providers/${id}/inventories/${name}` }
}

const writing = (id: string): Rewording => ({
  ResourceProviderConcurrentUpdateDetected: stale('resource provider generation conflict'),
  ResourceClassNotFound: f =>
    badRequest(`Unknown resource class in inventory for resource provider ${id}: ${f.message}`),
  NoInventory: f => badRequest(`No inventory record with resource class for resource provider ${id}: ${f.message}`),
  InventoryInUse: f => conflict(`update conflict: ${f.message}`, errorCode.inventoryInUse),
})

/** A stale generation is refused before the amounts are looked at. */
function checkGeneration(node: ProviderNode, given: number | undefined): void {
  if (given !== node.generation) throw stale('resource provider generation conflict')()
}

export async function change(call: Call): Promise<Reply> {
  const body = call.body as InventoryBody
  const [id, name, inventory] = [rpOf(call), classOf(call), fromBody(body)]
  const generation = body.resource_provider_generation ?? 0
  checkGeneration(providerOf(await call.ledger.read(), id), generation)
  checkCapacities(call, { [name]: inventory }, 'update')
  await reworded(writing(id), () =>
    call.ledger.write(write => putInventory(write, id, name, inventory, { mode: 'change', generation })),
  )
  return single(providerOf(await call.ledger.read(), id), name)
}

export async function replace(call: Call): Promise<Reply> {
  const body = call.body as { resource_provider_generation: number; inventories: Record<string, InventoryBody> }
  const id = rpOf(call)
  const inventories = Object.fromEntries(Object.entries(body.inventories).map(([name, raw]) => [name, fromBody(raw)]))
  checkGeneration(providerOf(await call.ledger.read(), id), body.resource_provider_generation)
  checkCapacities(call, inventories, 'update')
  await reworded(writing(id), () =>
    call.ledger.write(write => setInventories(write, id, inventories, body.resource_provider_generation)),
  )
  return all(providerOf(await call.ledger.read(), id))
}

export async function clear(call: Call): Promise<Reply> {
  await reworded({ InventoryInUse: f => conflict(f.message, errorCode.inventoryInUse) }, () =>
    call.ledger.write(write => setInventories(write, rpOf(call), {})),
  )
  return { status: 204, cacheable: false }
}

export async function remove(call: Call): Promise<Reply> {
  const name = classOf(call)
  const missing = (f: { message: string }) => notFound(`No inventory of class ${name} found for delete: ${f.message}`)
  await reworded(
    {
      NoInventory: missing,
      ResourceClassNotFound: missing,
      InventoryInUse: f =>
        conflict(`Unable to delete inventory of class ${name}: ${f.message}`, errorCode.concurrentUpdate),
    },
    () => call.ledger.write(write => removeInventory(write, rpOf(call), name)),
  )
  return { status: 204, cacheable: false }
}
