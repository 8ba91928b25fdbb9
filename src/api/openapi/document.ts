import { type Described, type Version, versionText } from '#api/kit'
import { existsAt, pathOperation } from './operation.ts'

const fault = {
  type: 'object',
  description: 'One key names the kind of the fault, such as itemNotFound.',
  additionalProperties: {
    type: 'object',
    properties: { code: { type: 'integer' }, message: { type: 'string' } },
    required: ['code', 'message'],
  },
}

/** Operations by path and method; the actions of one path come together. */
function grouped(operations: readonly Described[]): Map<string, Map<string, Described[]>> {
  const paths = new Map<string, Map<string, Described[]>>()
  for (const operation of operations) {
    const path = operation.path === '' ? '/' : operation.path
    const methods = paths.get(path) ?? new Map<string, Described[]>()
    const method = operation.method.toLowerCase()
    methods.set(method, [...(methods.get(method) ?? []), operation])
    paths.set(path, methods)
  }
  return paths
}

/** The OpenAPI 3.1 document of the Compute API at one microversion. `base` is the address under which `/v2.1` is mounted. */
export function openApiDocument(operations: readonly Described[], version: Version, base: string): unknown {
  const here = operations.filter(operation => existsAt(operation, version))
  const paths = [...grouped(here)].map(([path, methods]) => [
    path,
    Object.fromEntries([...methods].map(([method, group]) => [method, pathOperation(group, version)])),
  ])
  const text = versionText(version)
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenStack Compute API',
      version: text,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${base}/v2.1` }],
    security: [{ Token: [] }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { Token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      parameters: {
        Microversion: {
          name: 'OpenStack-API-Version',
          in: 'header',
          required: false,
          description: 'Without it the answer is that of 2.1.',
          schema: { type: 'string', const: `compute ${text}` },
        },
      },
      responses: {
        Fault: {
          description: 'refused or failed',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Fault' } } },
        },
      },
      schemas: { Fault: fault },
    },
  }
}
