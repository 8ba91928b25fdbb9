import type { Node, ObjectNode } from './node.ts'
import type { ScalarKind } from './shape.ts'

/**
 * JSON Schema as Nova writes it. The order of the keywords is the order in which they are checked and so decides
 * which error a client reads: the type, then lengths and pattern (numbers: pattern, then range), values, required
 * keys, additional keys.
 */
export type JsonSchema = { readonly [keyword: string]: unknown }

const one = <T>(items: readonly T[]): T | readonly T[] =>
  items.length === 1 && items[0] !== undefined ? items[0] : items

const defined = (schema: Record<string, unknown>): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined))

function scalarSchema(node: ScalarKind): JsonSchema {
  const numeric = node.types.includes('integer') || node.types.includes('number')
  const lengths = { minLength: node.min, maxLength: node.max }
  return defined({
    type: node.types.length === 0 ? undefined : one(node.types),
    ...(numeric ? {} : lengths),
    pattern: node.pattern,
    minimum: node.low,
    exclusiveMinimum: node.above,
    maximum: node.high,
    ...(numeric ? lengths : {}),
    format: node.format,
    enum: node.enum,
  })
}

function objectSchema(node: ObjectNode): JsonSchema {
  // A guarded field may be hidden from whoever lacks the right.
  const required = node.fields.filter(field => !field.optional && field.rule === undefined).map(field => field.name)
  const rest = node.rest === 'any' || node.drops ? undefined : node.rest === 'never' ? false : jsonSchema(node.rest)
  return defined({
    type: 'object',
    properties:
      node.fields.length === 0 ? undefined : Object.fromEntries(node.fields.map(f => [f.name, jsonSchema(f.node)])),
    patternProperties:
      node.patterns.length === 0
        ? undefined
        : Object.fromEntries(node.patterns.map(([key, value]) => [key, jsonSchema(value)])),
    required: required.length === 0 ? undefined : required,
    additionalProperties: rest,
    minProperties: node.minKeys,
    maxProperties: node.maxKeys,
  })
}

export function jsonSchema(node: Node): JsonSchema {
  switch (node.kind) {
    case 'any':
      return {}
    case 'scalar':
      return scalarSchema(node)
    case 'object':
      return objectSchema(node)
    case 'some':
      return { [node.how]: node.of.map(jsonSchema) }
    case 'tuple':
      return { type: 'array', items: node.items.map(jsonSchema), additionalItems: false }
    case 'list':
      return defined({
        type: 'array',
        items: jsonSchema(node.items),
        minItems: node.min,
        maxItems: node.max,
        uniqueItems: node.unique ? true : undefined,
      })
  }
}
