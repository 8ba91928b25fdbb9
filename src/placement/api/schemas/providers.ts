import { type Cuts, customName, integer, object, shortText, text, uuid } from './words.ts'

const name = { type: 'string', maxLength: 200 } as const
const parent = { anyOf: [uuid, { type: 'null' }] }

export const createProviderBody: Cuts = [
  [14, object({ name, uuid, parent_provider_uuid: parent }, ['name'])],
  [0, object({ name, uuid }, ['name'])],
]

export const updateProviderBody: Cuts = [
  [14, object({ name, parent_provider_uuid: parent }, ['name'])],
  [0, object({ name }, ['name'])],
]

export const listProvidersQuery: Cuts = [
  [18, object({ name: text, uuid, member_of: text, resources: text, in_tree: uuid, required: text })],
  [14, object({ name: text, uuid, member_of: text, resources: text, in_tree: uuid })],
  [4, object({ name: text, uuid, member_of: text, resources: text })],
  [3, object({ name: text, uuid, member_of: text })],
  [0, object({ name: text, uuid })],
]

const aggregates = { type: 'array', items: uuid, uniqueItems: true }

export const aggregatesBody: Cuts = [
  [19, object({ aggregates, resource_provider_generation: integer }, ['aggregates', 'resource_provider_generation'])],
  [1, aggregates],
]

export const providerTraitsBody: Cuts = [
  [
    6,
    object({ traits: { type: 'array', items: shortText }, resource_provider_generation: integer }, [
      'traits',
      'resource_provider_generation',
    ]),
  ],
]

export const listTraitsQuery: Cuts = [[6, object({ name: text, associated: text })]]

export const classBody: Cuts = [
  [2, object({ name: { type: 'string', pattern: customName, maxLength: 255 } }, ['name'])],
]
