import { explain } from './explain.ts'
import { jsonSchema } from './json-schema.ts'
import type { Node, ObjectNode } from './node.ts'
import type { ScalarKind } from './shape.ts'

/**
 * From a validated wire value to what the handler reads: words for booleans become booleans, digits become numbers, and
 * on the /v2 mount unknown keys are dropped. Objects are changed in place: they were parsed for this request only.
 */
export type Read = (value: unknown) => unknown

type Obj = Record<string, unknown>

const isObject = (value: unknown): value is Obj => typeof value === 'object' && value !== null && !Array.isArray(value)

const yes = new Set<unknown>([true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes'])

function readScalar(node: ScalarKind): Read | undefined {
  if (node.read === 'boolean') return value => (value === null ? null : yes.has(value))
  // No database takes more digits.
  const { MAX_SAFE_INTEGER: most } = Number
  if (node.read === 'number')
    return value => (typeof value === 'string' ? Math.max(-most, Math.min(Number(value), most)) : value)
  return undefined
}

function readObject(node: ObjectNode): Read | undefined {
  const fields = node.fields.flatMap(field => {
    const read = reading(field.node)
    return read === undefined ? [] : [{ name: field.name, read }]
  })
  const patterns = node.patterns.flatMap(([pattern, item]) => {
    const read = reading(item)
    return read === undefined ? [] : [{ regex: new RegExp(pattern), read }]
  })
  const known = node.drops ? new Set(node.fields.map(field => field.name)) : undefined
  if (fields.length === 0 && patterns.length === 0 && known === undefined) return undefined
  return value => {
    if (!isObject(value)) return value
    for (const { name, read } of fields) if (Object.hasOwn(value, name)) value[name] = read(value[name])
    for (const { regex, read } of patterns) {
      for (const key of Object.keys(value)) if (regex.test(key)) value[key] = read(value[key])
    }
    if (known !== undefined) for (const key of Object.keys(value)) if (!known.has(key)) delete value[key]
    return value
  }
}

function readSome(node: Node & { kind: 'some' }): Read | undefined {
  const choices = node.of.map(choice => ({ schema: jsonSchema(choice), read: reading(choice) }))
  if (choices.every(choice => choice.read === undefined)) return undefined
  return value => {
    const choice = choices.find(({ schema }) => explain(schema, value) === undefined)
    return choice?.read === undefined ? value : choice.read(value)
  }
}

/** The conversion a node needs, or undefined when its values can be handed over as they are. */
export function reading(node: Node): Read | undefined {
  switch (node.kind) {
    case 'any':
      return undefined
    case 'scalar':
      return readScalar(node)
    case 'object':
      return readObject(node)
    case 'some':
      return readSome(node)
    case 'list': {
      const read = reading(node.items)
      return read === undefined ? undefined : value => (Array.isArray(value) ? value.map(read) : value)
    }
    case 'tuple': {
      const reads = node.items.map(reading)
      if (reads.every(read => read === undefined)) return undefined
      return value => (Array.isArray(value) ? value.map((item, i) => reads[i]?.(item) ?? item) : value)
    }
  }
}

/** Finds the policy rules of the guarded fields that a body sets. */
export function guarding(node: Node): ((value: unknown, found: Set<string>) => void) | undefined {
  if (node.kind === 'list') {
    const guard = guarding(node.items)
    return guard && ((value, found) => Array.isArray(value) && value.forEach(item => guard(item, found)))
  }
  if (node.kind === 'some') {
    const guards = node.of.flatMap(choice => guarding(choice) ?? [])
    return guards.length === 0 ? undefined : (value, found) => guards.forEach(guard => guard(value, found))
  }
  if (node.kind !== 'object') return undefined
  const fields = node.fields.flatMap(({ name, node: inner, rule }) => {
    const guard = guarding(inner)
    return rule === undefined && guard === undefined ? [] : [{ name, rule, guard }]
  })
  if (fields.length === 0) return undefined
  return (value, found) => {
    if (!isObject(value)) return
    for (const { name, rule, guard } of fields) {
      if (!Object.hasOwn(value, name)) continue
      if (rule !== undefined) found.add(rule)
      guard?.(value[name], found)
    }
  }
}
