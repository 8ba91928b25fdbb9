import type { CellCapabilities, CellCapacities } from '#model'
import type { Sizes } from '#store'
import { cellMethod } from '../messages/methods.ts'
import { dictionary, integer, listOf, nothing, object, type Schema, text } from '../messages/schema.ts'

const roomShape: Schema = object({
  total_mb: { type: 'number', minimum: 0 },
  units_by_mb: dictionary({ type: 'integer', minimum: 0 }),
})
export const capacitiesShape: Schema = object({ ram_free: roomShape, disk_free: roomShape })
export const capabilitiesShape: Schema = dictionary(listOf(text))
const sizesShape: Schema = object({ ram: listOf(integer), disk: listOf(integer) })

/** A child tells its parent. */
export const updateCapabilities = cellMethod<{ cell_name: string; capabilities: CellCapabilities }, null>(
  'update_capabilities',
  { takes: object({ cell_name: text, capabilities: capabilitiesShape }), gives: nothing },
)

export const updateCapacities = cellMethod<{ cell_name: string; capacities: CellCapacities }, null>(
  'update_capacities',
  { takes: object({ cell_name: text, capacities: capacitiesShape }), gives: nothing },
)

/** A parent wants to be told, with room for servers of these sizes among others. */
export const announceCapacities = cellMethod<{ sizes: Sizes }, null>('announce_capacities', {
  takes: object({ sizes: sizesShape }),
  gives: nothing,
})
