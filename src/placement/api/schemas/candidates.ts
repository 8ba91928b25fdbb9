import { type Cuts, object, type Schema, text } from './words.ts'

const limit = { type: 'string', pattern: '^[1-9][0-9]*$' }
const policy = { type: 'string', enum: ['none', 'isolate'] }

/** Suffixes were numbers, then words. */
export const numberSuffix = '[1-9][0-9]*'
export const wordSuffix = '[a-zA-Z0-9_-]{1,64}'

const grouped = (suffix: string, keys: readonly string[], wide: Record<string, Schema>): Schema => ({
  ...object({ limit, group_policy: policy, ...wide }),
  patternProperties: Object.fromEntries(keys.map(key => [`^${key}(${suffix})?$`, text])),
})

const keys = ['resources', 'required', 'member_of']

export const candidatesQuery: Cuts = [
  [36, grouped(wordSuffix, [...keys, 'in_tree'], { root_required: text, same_subtree: text })],
  [35, grouped(wordSuffix, [...keys, 'in_tree'], { root_required: text })],
  [33, grouped(wordSuffix, [...keys, 'in_tree'], {})],
  [31, grouped(numberSuffix, [...keys, 'in_tree'], {})],
  [25, grouped(numberSuffix, keys, {})],
  [21, object({ resources: text, limit, required: text, member_of: text }, ['resources'])],
  [17, object({ resources: text, limit, required: text }, ['resources'])],
  [16, object({ resources: text, limit }, ['resources'])],
  [10, object({ resources: text }, ['resources'])],
]
