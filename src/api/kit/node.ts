import { type AnyShape, type Form, type Kind, type ScalarKind, Shape } from './shape.ts'
import { Stepped } from './stepped.ts'
import { legacy, minVersion, type Version } from './version.ts'

/** A shape at one version: plain data, no history. Everything that is compiled is compiled from nodes. */
export type Node =
  | ScalarKind
  | { readonly kind: 'any' }
  | {
      readonly kind: 'list'
      readonly items: Node
      readonly min?: number
      readonly max?: number
      readonly unique: boolean
    }
  | { readonly kind: 'tuple'; readonly items: readonly Node[] }
  | ObjectNode
  | { readonly kind: 'some'; readonly how: 'anyOf' | 'oneOf' | 'allOf'; readonly of: readonly Node[] }

export interface FieldNode {
  readonly name: string
  readonly node: Node
  readonly optional: boolean
  readonly rule: string | undefined
}

export interface ObjectNode {
  readonly kind: 'object'
  readonly fields: readonly FieldNode[]
  readonly patterns: readonly (readonly [string, Node])[]
  readonly rest: 'never' | 'any' | Node
  /** On the /v2 mount unknown keys are dropped, not refused. */
  readonly drops: boolean
  readonly minKeys?: number
  readonly maxKeys?: number
}

const nilNode: ScalarKind = { kind: 'scalar', types: ['null'] }

function nullableNode(node: Node): Node {
  if (node.kind !== 'scalar') return { kind: 'some', how: 'anyOf', of: [node, nilNode] }
  return {
    ...node,
    types: node.types.length === 0 ? node.types : [...node.types, 'null'],
    ...(node.enum === undefined ? {} : { enum: [...node.enum, null] }),
  }
}

function objectNode(kind: Kind & { kind: 'object' }, version: Version): ObjectNode {
  const fields: FieldNode[] = []
  for (const [name, shape] of Object.entries(kind.fields)) {
    const form = formAt(shape, version)
    if (form === undefined) continue
    fields.push({ name, node: nodeOf(form, version), optional: form.optional === true, rule: form.rule })
  }
  const rest = kind.rest instanceof Stepped ? kind.rest.at(version) : (kind.rest ?? 'never')
  const patterns = Object.entries(kind.patterns).flatMap(([key, shape]) => {
    const node = nodeAt(shape, version)
    return node === undefined ? [] : [[key, node] as const]
  })
  return {
    kind: 'object',
    fields,
    patterns,
    rest: rest instanceof Shape ? (nodeAt(rest, version) ?? 'never') : rest,
    drops: version === legacy && rest === 'never' && patterns.length === 0,
    ...(kind.minKeys === undefined ? {} : { minKeys: kind.minKeys }),
    ...(kind.maxKeys === undefined ? {} : { maxKeys: kind.maxKeys }),
  }
}

function formAt(shape: AnyShape, version: Version): Form | undefined {
  let found: Form | AnyShape | undefined
  for (const step of shape.steps) if (step.at <= version) found = step.form
  return found instanceof Shape ? formAt(found, version) : found
}

const present = (shapes: readonly AnyShape[], version: Version): Node[] =>
  shapes.flatMap(shape => nodeAt(shape, version) ?? [])

function nodeOf(form: Form, version: Version): Node {
  const node = bareNode(form.kind, version)
  return form.nullable === true ? nullableNode(node) : node
}

function bareNode(kind: Kind, version: Version): Node {
  switch (kind.kind) {
    case 'scalar':
    case 'any':
      return kind
    case 'list':
      return { ...kind, items: nodeAt(kind.items, version) ?? { kind: 'any' } }
    case 'tuple':
      return { kind: 'tuple', items: present(kind.items, version) }
    case 'some':
      return { kind: 'some', how: kind.how, of: present(kind.of, version) }
    case 'object':
      return objectNode(kind, version)
  }
}

/** The shape at a version; undefined where it does not exist. */
export function nodeAt(shape: AnyShape, version: Version): Node | undefined {
  const form = formAt(shape, version)
  return form === undefined ? undefined : nodeOf(form, version)
}

const inner = (kind: Kind): readonly AnyShape[] => {
  switch (kind.kind) {
    case 'list':
      return [kind.items]
    case 'tuple':
      return kind.items
    case 'some':
      return kind.of
    case 'object':
      return [
        ...Object.values(kind.fields),
        ...Object.values(kind.patterns),
        ...(kind.rest instanceof Shape ? [kind.rest] : []),
      ]
    default:
      return []
  }
}

/** The versions at which a shape changes, in itself or inside; 2.1 and the legacy form are not among them. */
export function cutsOf(shape: AnyShape): readonly Version[] {
  const cuts = new Set<Version>()
  const visit = (shape: AnyShape): void => {
    for (const { at, form } of shape.steps) {
      if (at > minVersion) cuts.add(at)
      if (form instanceof Shape) visit(form)
      else if (form !== undefined) {
        if (form.kind.kind === 'object' && form.kind.rest instanceof Stepped)
          form.kind.rest.cuts.forEach(at => cuts.add(at))
        inner(form.kind).forEach(visit)
      }
    }
  }
  visit(shape)
  return [...cuts].sort((a, b) => a - b)
}
