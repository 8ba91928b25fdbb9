import { type Described, minor, type Version, type VersionText } from '#api/kit'
import { type OpenApiSchema, openApiSchema } from './schema.ts'

export const existsAt = ({ versions }: Described, version: Version): boolean =>
  versions.some(([from, to]) => minor(from as VersionText) <= version && version <= minor(to as VersionText))

/** What Nova calls an operation in its own documents has no fixed form; method, path and action are unmistakable. */
export const summaryOf = ({ summary, method, path, action }: Described): string =>
  summary ?? [method, path, ...(action === undefined ? [] : [action])].join(' ')

const idOf = ({ method, path, action }: Described): string =>
  [method.toLowerCase(), ...path.split('/').map(word => word.replace(/[{}]/g, '')), action ?? '']
    .filter(word => word !== '')
    .join('_')
    .replace(/[^A-Za-z0-9]+/g, '_')

/** The part of an operation that OpenAPI has no word for. */
const extension = (operation: Described) => ({
  microversions: operation.versions.map(([from, to]) => ({ from, to })),
  'changes-at': operation.cuts,
  policy: operation.policy,
  ...(operation.alsoPolicies.length === 0 ? {} : { 'also-policies': operation.alsoPolicies }),
})

const pathParameters = (path: string) =>
  [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

/** Every query parameter may be repeated; what is wanted of each value is the item's schema. */
function queryParameters(operation: Described, version: Version): unknown[] {
  const schema = openApiSchema(operation.schemaAt('query', version))
  const properties = typeof schema === 'boolean' ? undefined : schema['properties']
  return Object.entries((properties ?? {}) as Readonly<Record<string, OpenApiSchema>>).map(([name, inner]) => ({
    name,
    in: 'query',
    required: false,
    explode: true,
    schema: inner,
  }))
}

const json = (schema: unknown) => ({ 'application/json': { schema } })

function responses(operations: readonly Described[], version: Version): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const operation of operations) {
    for (const [code, status] of Object.entries(operation.faultsAt(version))) {
      const text =
        found[status] === undefined ? code : `${(found[status] as { description: string }).description}, ${code}`
      found[status] = { description: text, content: json({ $ref: '#/components/schemas/Fault' }) }
    }
  }
  const successes = new Map<number, OpenApiSchema[]>()
  for (const operation of operations) {
    const status = operation.statusAt(version)
    const reply = operation.schemaAt('reply', version)
    const schemas = successes.get(status) ?? []
    if (reply !== undefined) schemas.push(openApiSchema(reply) as OpenApiSchema)
    successes.set(status, schemas)
  }
  for (const [status, schemas] of successes) {
    const [only] = schemas
    const content = schemas.length === 0 ? {} : { content: json(schemas.length === 1 ? only : { anyOf: schemas }) }
    found[status] = { description: schemas.length === 0 ? 'done, without a body' : 'done', ...content }
  }
  return { ...found, default: { $ref: '#/components/responses/Fault' } }
}

/** One operation of OpenAPI: one of ours, or all actions at one path, told apart by the only key of the body. */
export function pathOperation(operations: readonly Described[], version: Version): unknown {
  const [first] = operations
  if (first === undefined) return undefined
  const bodies = operations.flatMap(operation => {
    const schema = operation.schemaAt('body', version)
    return schema === undefined ? [] : [{ ...(openApiSchema(schema) as OpenApiSchema), title: summaryOf(operation) }]
  })
  const [body] = bodies
  const isActions = first.action !== undefined
  return {
    operationId: isActions ? idOf({ ...first, action: undefined }) : idOf(first),
    summary: isActions ? `${first.method} ${first.path}: one of ${operations.length} actions` : summaryOf(first),
    tags: [first.path.split('/')[1] || 'versions'],
    parameters: [
      { $ref: '#/components/parameters/Microversion' },
      ...pathParameters(first.path),
      ...queryParameters(first, version),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(bodies.length === 1 ? body : { oneOf: bodies }) } }),
    responses: responses(operations, version),
    ...(isActions
      ? { 'x-openstack-actions': Object.fromEntries(operations.map(o => [o.action, extension(o)])) }
      : { 'x-openstack': extension(first) }),
  }
}
