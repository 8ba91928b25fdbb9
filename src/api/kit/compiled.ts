import { type JsonSchema, jsonSchema } from './json-schema.ts'
import { cutsOf, type Node, nodeAt } from './node.ts'
import type { Endpoint } from './operation.ts'
import { guardedRules, type PickReply, picker } from './picker.ts'
import { queryValues, type RawQuery } from './query.ts'
import { guarding, reading } from './reading.ts'
import { type AnyShape } from './shape.ts'
import { obj } from './shapes.ts'
import { validator } from './validator.ts'
import { legacy, minVersion, type Version } from './version.ts'

/** An operation at one cut: everything that depends on the version, worked out once and when first needed. */
export interface Cut {
  readonly exists: boolean
  readonly status: number
  readonly behaves: Readonly<Record<string, boolean>>
  /** Validates and reads; throws ValidationError. */
  readonly readQuery: (raw: RawQuery) => unknown
  readonly readBody: (raw: unknown) => { body: unknown; envelope: unknown; guarded: ReadonlySet<string> }
  /** Rules that guard fields of the reply. */
  readonly replyRules: readonly string[]
  readonly replySchema: JsonSchema | undefined
  readonly pick: ((granted: ReadonlySet<string>) => PickReply) | undefined
}

const none: ReadonlySet<string> = new Set()

/** The wire shape of a body, the action's name included. */
export const bodyShape = (endpoint: Endpoint<never>): AnyShape | undefined => {
  const shape = endpoint.operation.body?.shape
  return shape === undefined || endpoint.action === undefined ? shape : obj({ [endpoint.action]: shape })
}

function bodyReader(endpoint: Endpoint<never>, version: Version): Cut['readBody'] {
  const { action } = endpoint
  const key = action ?? endpoint.operation.body?.key
  const shape = bodyShape(endpoint)
  const node = shape === undefined ? undefined : nodeAt(shape, version)
  if (node === undefined) return raw => ({ body: under(raw, action), envelope: raw, guarded: none })
  const check = validator(jsonSchema(node), 'body')
  const read = reading(node)
  const guard = guarding(node)
  return raw => {
    check(raw)
    const envelope = read === undefined ? raw : read(raw)
    const guarded = guard === undefined ? none : new Set<string>()
    guard?.(envelope, guarded as Set<string>)
    return { body: under(envelope, key), envelope, guarded }
  }
}

const under = (value: unknown, key: string | undefined): unknown =>
  key === undefined || typeof value !== 'object' || value === null ? value : (value as Record<string, unknown>)[key]

function queryReader(endpoint: Endpoint<never>, version: Version): Cut['readQuery'] {
  const query = endpoint.operation.query
  const node = query === undefined ? undefined : nodeAt(query.shape, version)
  if (query === undefined || node?.kind !== 'object') return () => ({})
  const check = validator(jsonSchema(node), 'query')
  const read = reading(node)
  const names = node.fields.map(field => field.name)
  return raw => {
    check(raw)
    const wire: Record<string, unknown> = { ...raw }
    return queryValues((read === undefined ? wire : read(wire)) as Record<string, unknown>, names, query.lists)
  }
}

function replyPicker(node: Node): NonNullable<Cut['pick']> {
  const pickers = new Map<string, PickReply>()
  return granted => {
    const key = [...granted].join(' ')
    let pick = pickers.get(key)
    if (pick === undefined) pickers.set(key, (pick = picker(node, granted)))
    return pick
  }
}

function compile(endpoint: Endpoint<never>, version: Version): Cut {
  const { operation } = endpoint
  const replyNode = operation.reply === undefined ? undefined : nodeAt(operation.reply.shape, version)
  return {
    exists: operation.exists.at(version),
    status: operation.status.at(version),
    behaves: Object.fromEntries(Object.entries(operation.behaviours).map(([name, span]) => [name, span.at(version)])),
    readQuery: queryReader(endpoint, version),
    readBody: bodyReader(endpoint, version),
    replyRules: replyNode === undefined ? [] : [...guardedRules(replyNode)],
    replySchema: replyNode === undefined ? undefined : jsonSchema(replyNode),
    pick: replyNode === undefined ? undefined : replyPicker(replyNode),
  }
}

/** All versions at which anything about an operation changes; legacy and 2.1 always among them. */
export function operationCuts({ operation }: Pick<Endpoint<never>, 'operation'>): readonly Version[] {
  const cuts = new Set<Version>([legacy, minVersion])
  const add = (versions: readonly Version[]): void => versions.forEach(version => cuts.add(version))
  for (const span of [operation.exists, operation.status, ...Object.values(operation.behaviours)]) add(span.cuts)
  for (const span of Object.values(operation.faults)) add(span.cuts)
  for (const part of [operation.query, operation.body, operation.reply]) if (part !== undefined) add(cutsOf(part.shape))
  return [...cuts].sort((a, b) => a - b)
}

/** The cuts of one endpoint, compiled on first use. */
export class CompiledEndpoint {
  readonly endpoint: Endpoint<never>
  readonly cuts: readonly Version[]
  readonly #byVersion: (Cut | undefined)[] = []

  constructor(endpoint: Endpoint<never>) {
    this.endpoint = endpoint
    this.cuts = operationCuts(endpoint)
  }

  at(version: Version): Cut {
    const known = this.#byVersion[version]
    if (known !== undefined) return known
    const start = this.cuts.findLast(cut => cut <= version) ?? minVersion
    const cut = this.#byVersion[start] ?? compile(this.endpoint, start)
    this.#byVersion[start] = cut
    this.#byVersion[version] = cut
    return cut
  }
}
