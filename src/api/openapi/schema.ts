import type { JsonSchema } from '#api/kit'

/** A JSON Schema of 2020-12, which OpenAPI 3.1 uses, from one in the words that Nova's validators speak. */
export type OpenApiSchema = { readonly [keyword: string]: unknown }

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const each = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, openApiSchema(inner)])) : value

/** Formats of JSON Schema's own registry; Nova's others say more than a client's tool knows. */
const known = new Set(['uuid', 'date-time', 'regex', 'uri', 'ipv4', 'ipv6'])

/** Where a number may also come as digits in a string, bounds hold for both; the standard keywords say it for numbers. */
export function openApiSchema(schema: unknown): OpenApiSchema | boolean {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema)) return {}
  const found: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties' || keyword === 'patternProperties') found[keyword] = each(value)
    else if (keyword === 'items' && Array.isArray(value)) found['prefixItems'] = value.map(openApiSchema)
    else if (keyword === 'additionalItems') found['items'] = value
    else if (keyword === 'items' || keyword === 'additionalProperties') found[keyword] = openApiSchema(value)
    else if (Array.isArray(value) && /^(any|one|all)Of$/.test(keyword)) found[keyword] = value.map(openApiSchema)
    else if (keyword !== 'format') found[keyword] = value
    else if (known.has(String(value))) found['format'] = value
    else if (value === 'base64') found['contentEncoding'] = 'base64'
    else found['x-openstack-format'] = value
  }
  return found
}
