import { inventoriesByProvider } from './inventories.ts'
import { type Cuts, dictionary, integer, nameKey, object, type Schema, shortText, uuid, uuidKey } from './words.ts'

const resources = dictionary(nameKey, { type: 'integer', minimum: 1 }, 1)
const owner = { project_id: shortText, user_id: shortText }

const listed: Schema = {
  type: 'array',
  minItems: 1,
  items: object({ resource_provider: object({ uuid }, ['uuid']), resources }, ['resource_provider', 'resources']),
}
const byProvider = (minProperties: number) =>
  dictionary(uuidKey, object({ generation: integer, resources }, ['resources']), minProperties)

const mappings: Schema = {
  type: 'object',
  minProperties: 1,
  patternProperties: { '[a-zA-Z0-9_-]{1,64}': { type: 'array', minItems: 1, items: uuid } },
}
const generation = { consumer_generation: { type: ['integer', 'null'] } }
const consumerType = { consumer_type: { ...shortText, pattern: nameKey } }

/** One consumer from 1.12 on, by what the version added. */
function consumer(minProperties: number, added: Record<string, Schema> = {}): Schema {
  const required = Object.keys(added).filter(name => name !== 'mappings')
  return object({ allocations: byProvider(minProperties), ...owner, ...added }, [
    'allocations',
    'project_id',
    'user_id',
    ...required,
  ])
}

const since28 = consumer(0, generation)
const since34 = consumer(0, { ...generation, mappings })
const since38 = consumer(0, { ...generation, mappings, ...consumerType })

export const putAllocationsBody: Cuts = [
  [38, since38],
  [34, since34],
  [28, since28],
  [12, consumer(1)],
  [8, object({ allocations: listed, ...owner }, ['allocations', 'project_id', 'user_id'])],
  [0, object({ allocations: listed }, ['allocations'])],
]

export const postAllocationsBody: Cuts = [
  [38, dictionary(uuidKey, since38, 1)],
  [34, dictionary(uuidKey, since34, 1)],
  [28, dictionary(uuidKey, since28, 1)],
  [13, dictionary(uuidKey, consumer(0), 1)],
]

const reshape = (allocations: Schema) =>
  object({ inventories: inventoriesByProvider, allocations: dictionary(uuidKey, allocations) }, [
    'inventories',
    'allocations',
  ])

export const reshaperBody: Cuts = [
  [38, reshape(since38)],
  [34, reshape(since34)],
  [30, reshape(since28)],
]

export const usagesQuery: Cuts = [
  [38, object({ ...owner, consumer_type: { ...shortText, pattern: '^[A-Z0-9_]+$|^all|^unknown$' } }, ['project_id'])],
  [9, object(owner, ['project_id'])],
]
