/** Who is asking behind a proxy: the signed headers of Neutron's metadata agent, or of a load balancer. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { MetadataRequestBad, SignatureWrong } from './faults.ts'

const bad = (words: string) => MetadataRequestBad({ words })

/** A header that was sent twice arrives joined with a comma, which no id contains. */
function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

function required(headers: IncomingHttpHeaders, name: string): string {
  const value = header(headers, name)
  if (value === undefined) throw bad(`${name} header is missing from request.`)
  return value
}

function single(headers: IncomingHttpHeaders, name: string): string {
  const value = required(headers, name)
  if (value.includes(',')) throw bad(`Multiple ${name} headers found within request.`)
  return value
}

/** Constant time in the length of the signature. */
export function isSignedBy(secret: string, text: string, signature: string): boolean {
  const expected = Buffer.from(createHmac('sha256', secret).update(text).digest('hex'))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

export interface ProxiedRequester {
  readonly instanceId: string
  readonly projectId: string
  readonly address: string
}

/** Throws a 400 for missing or doubled headers and a 403 for a wrong signature. */
export function signedRequester(headers: IncomingHttpHeaders, secret: string): ProxiedRequester {
  const instanceId = single(headers, 'X-Instance-ID')
  const signature = required(headers, 'X-Instance-ID-Signature')
  const projectId = single(headers, 'X-Tenant-ID')
  // An unset secret would make every signature of the empty key good.
  if (secret === '' || !isSignedBy(secret, instanceId, signature)) throw SignatureWrong({})
  return { instanceId, projectId, address: header(headers, 'X-Forwarded-For') ?? '' }
}

/** The load balancer's id and the guest's address; undefined when the request does not come through one. */
export function providerRequester(
  headers: IncomingHttpHeaders,
  secret: string,
): { provider: string; address: string } | undefined {
  const provider = header(headers, 'X-Metadata-Provider')
  if (provider === undefined || provider === '') return undefined
  const forwarded = header(headers, 'X-Forwarded-For')
  if (forwarded === undefined) throw bad('X-Forwarded-For is missing from request.')
  if (secret !== '' && !isSignedBy(secret, provider, header(headers, 'X-Metadata-Provider-Signature') ?? '')) {
    throw SignatureWrong({})
  }
  return { provider, address: (forwarded.split(',')[0] ?? '').trim() }
}
