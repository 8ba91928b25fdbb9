/**
 * The API kit: a microversion is a bound on a field.
 *
 * Owns the language in which the Compute API's operations are declared, and everything between the socket and a handler:
 * mounts, versions, validation, policy, rendering, errors (the order of a request: pipeline.ts). Promises Nova's wire
 * behaviour, errors word for word. Called by the resources in ../resources and by whoever builds the API (createApi).
 *
 * A resource is one folder whose index.ts holds one object per operation:
 *
 *     const op = operation<KeypairDeps>()
 *     export const keypairs = resource('/os-keypairs', {
 *       'GET /{name}': op({                              // also 'POST /{id}/action reboot'
 *         exists: since('2.6').until('2.44'),            // default: always. until() names the first version without it
 *         status: always(200).since('2.2', 201),         // or a number; default 200
 *         policy: 'os_compute_api:os-keypairs:show',     // checked by allow(target), which the handler must call; or null
 *         query: query({ user_id: str.optional().since('2.10') }, { strict: since('2.75') }),
 *         body: request('keypair', { name, type: oneOf('ssh', 'x509').optional().since('2.2') }),
 *         reply: reply('keypair', { name: str, type: str.since('2.2') }),
 *         faults: { KeypairNotFound: 404 },              // any other fault is a 500
 *         behaviours: { generates: until('2.92') },      // asked as behaves.generates; never the version itself
 *         async handle({ path, query, body, allow, behaves }, deps) { ... return { name, type } },
 *       }),
 *     })
 *
 * - Shapes: shapes.ts (str int bool list obj either …), words.ts (uuid, name, tag, metadata …). A field may say
 *   `.optional() .nullable() .since(v) .until(v) .from(v, other) .requires(rule) .legacy(shape)`; query parameters also
 *   `.many()` (all values) and `.once()`. `intLike`, `positive`, `bool` take Nova's words and digits; handlers read
 *   numbers and booleans.
 * - Bodies: `request(key, fields, beside?)` (body = inner object, envelope = keys beside it) or `bare(shape)`; for an action
 *   `bare(shape)` is the value under the action's name, and no body at all means nobody looks at it.
 * - Replies: `reply(key, fields | shape)` or `reply(shape)`; return every field you have, the kit shows those of the version.
 *   A field of which only some versions want an expensive value: `.optional()` plus a named behaviour.
 * - Lists: `page()` gives limit and marker, `nextLinks('servers', items, idOf)` the `servers_links` value, `links` addresses.
 */
export { type ApiSetup, createApi } from './api.ts'
export { type ApiHooks, type ApiOptions } from './api-parts.ts'
export type { Context, Target } from './context.ts'
export { parseIsoTime } from './dates.ts'
export { type Described, describe } from './describe.ts'
export { type Complaint, explain } from './explain.ts'
export { type JsonSchema } from './json-schema.ts'
export { Links } from './links.ts'
export {
  bare,
  type Endpoint,
  operation,
  type Reply,
  type Request,
  type Resource,
  reply,
  request,
  resource,
} from './operation.ts'
export { integerParameter, nextLinks, type Page, pageOf, sortOf } from './paging.ts'
export type { PolicyPort, Verdict } from './policy-port.ts'
export { pythonRepr } from './python-repr.ts'
export { query, type RawQuery } from './query.ts'
export { PolicyRefused } from './refusals.ts'
export { type AnyShape, type Fields, type In, type InOf, type Out, type OutOf, Shape } from './shape.ts'
export * from './shapes.ts'
export { always, everywhere, Span, Stepped, since, until } from './stepped.ts'
export { compiledValidators, ValidationError } from './validator.ts'
export { legacy, maxVersion, minor, minVersion, type Version, type VersionText, versionText } from './version.ts'
export { versionDocument } from './version-documents.ts'
export * from './words.ts'
