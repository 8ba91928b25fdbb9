import { type Cuts, integer, largestInteger, nameKey, object, type Schema, text, uuidKey } from './words.ts'

const count = (minimum: number) => ({ type: 'integer', minimum, maximum: largestInteger })

const fields: Record<string, Schema> = {
  resource_provider_generation: integer,
  total: count(1),
  reserved: count(0),
  min_unit: count(1),
  max_unit: count(1),
  step_size: count(1),
  // The largest single-precision float, as the original's column held it.
  allocation_ratio: { type: 'number', maximum: 3.402_823_466_385_288_6e38 },
}

const record = object(fields, ['total'])

const set = object(
  {
    resource_provider_generation: integer,
    // Names that no class has are refused as unknown classes, not by their form.
    inventories: { type: 'object', additionalProperties: record },
  },
  ['resource_provider_generation', 'inventories'],
)

export const addInventoryBody: Cuts = [
  [0, object({ ...fields, resource_class: { ...text, pattern: nameKey } }, ['total', 'resource_class'])],
]
export const putInventoryBody: Cuts = [[0, object(fields, ['total', 'resource_provider_generation'])]]
export const setInventoriesBody: Cuts = [[0, set]]

/** In a reshape: by provider. */
export const inventoriesByProvider: Schema = {
  type: 'object',
  patternProperties: { [uuidKey]: set },
  minProperties: 1,
  additionalProperties: false,
}
