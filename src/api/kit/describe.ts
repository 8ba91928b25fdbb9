import { bodyShape, operationCuts } from './compiled.ts'
import { type JsonSchema, jsonSchema } from './json-schema.ts'
import { nodeAt } from './node.ts'
import type { Endpoint, Resource } from './operation.ts'
import { guardedRules } from './picker.ts'
import type { AnyShape } from './shape.ts'
import { legacy, maxVersion, type Version, versionText } from './version.ts'

/** One operation as data: for the route conformance test, the authorisation matrix, the reference and OpenAPI. */
export interface Described {
  readonly method: string
  readonly path: string
  readonly action: string | undefined
  readonly summary: string | undefined
  /** Ranges of microversions, both ends included: `[['2.1', '2.43']]`. */
  readonly versions: readonly (readonly [string, string])[]
  readonly policy: string | null
  /** Rules of guarded fields and rules the handler asks for by name. */
  readonly alsoPolicies: readonly string[]
  readonly faults: readonly string[]
  /** Where anything changes, 2.1 first. */
  readonly cuts: readonly string[]
  readonly statusAt: (version: Version) => number
  /** HTTP status by fault code. */
  readonly faultsAt: (version: Version) => Readonly<Record<string, number>>
  readonly schemaAt: (part: 'query' | 'body' | 'reply', version: Version) => JsonSchema | undefined
}

function ranges(exists: (version: Version) => boolean): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  let start: Version | undefined
  for (let version = 1; version <= maxVersion + 1; version++) {
    const here = version <= maxVersion && exists(version)
    if (here) start ??= version
    else if (start !== undefined) {
      found.push([versionText(start), versionText(version - 1)])
      start = undefined
    }
  }
  return found
}

function fieldRules(shape: AnyShape | undefined, cuts: readonly Version[]): string[] {
  if (shape === undefined) return []
  return cuts.flatMap(cut => {
    const node = nodeAt(shape, cut)
    return node === undefined ? [] : [...guardedRules(node)]
  })
}

function describeEndpoint(endpoint: Endpoint<never>): Described {
  const { operation, method, path, action } = endpoint
  const cuts = operationCuts(endpoint).filter(cut => cut !== legacy)
  const shapes = { query: operation.query?.shape, body: bodyShape(endpoint), reply: operation.reply?.shape }
  const rules = [...fieldRules(shapes.body, cuts), ...fieldRules(shapes.reply, cuts)]
  return {
    method,
    path,
    action,
    summary: operation.summary,
    versions: ranges(version => operation.exists.at(version)),
    policy: operation.policy,
    alsoPolicies: [...new Set([...operation.alsoPolicies, ...rules])],
    faults: Object.keys(operation.faults),
    cuts: cuts.map(versionText),
    statusAt: version => operation.status.at(version),
    faultsAt: version =>
      Object.fromEntries(Object.entries(operation.faults).map(([code, status]) => [code, status.at(version)])),
    schemaAt: (part, version) => {
      const shape = shapes[part]
      const node = shape === undefined ? undefined : nodeAt(shape, version)
      return node === undefined ? undefined : jsonSchema(node)
    },
  }
}

/** Every operation of these resources. */
export const describe = <D>(resources: readonly Resource<D>[]): Described[] =>
  resources.flatMap(resource => resource.endpoints).map(endpoint => describeEndpoint(endpoint as Endpoint<never>))
