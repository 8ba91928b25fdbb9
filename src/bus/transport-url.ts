import { TransportUnusable } from './faults.ts'

/** One address of oslo.messaging's transport_url. */
export interface TransportHost {
  /** Null: not named, the driver's default. */
  readonly host: string | null
  readonly port: number | null
  readonly user: string | null
  readonly password: string | null
}

/** `scheme://user:password@host:port,user:password@host:port/virtual_host?option=value`, decoded. */
export interface TransportUrl {
  readonly scheme: string
  readonly hosts: readonly TransportHost[]
  readonly virtualHost: string
  readonly query: Readonly<Record<string, string>>
}

/** The URL itself holds passwords, so no message shows it. */
const malformed = (what: string) => TransportUnusable({ reason: `transport_url: ${what}.` })

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformed('a % that does not begin an escaped character')
  }
}

function readPort(text: string): number | null {
  if (text === '') return null
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw malformed('a port that is no number from 0 to 65535')
  return port
}

function readAddress(text: string): Pick<TransportHost, 'host' | 'port'> {
  const [, literal, afterLiteral] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? []
  if (literal !== undefined) return { host: literal, port: readPort(afterLiteral ?? '') }
  if (text.startsWith('[')) throw malformed('an IPv6 address without its closing bracket')
  const colon = text.indexOf(':')
  if (colon < 0) return { host: text === '' ? null : text, port: null }
  return { host: text.slice(0, colon) || null, port: readPort(text.slice(colon + 1)) }
}

/** As oslo.messaging splits it: the password begins at the first colon, the host after the last @. */
function readHost(text: string): TransportHost {
  const at = text.lastIndexOf('@')
  if (at < 0) return { ...readAddress(text), user: null, password: null }
  const address = readAddress(text.slice(at + 1))
  const credentials = text.slice(0, at)
  const colon = credentials.indexOf(':')
  if (colon < 0) return { ...address, user: decoded(credentials), password: null }
  return { ...address, user: decoded(credentials.slice(0, colon)), password: decoded(credentials.slice(colon + 1)) }
}

export function parseTransportUrl(url: string): TransportUrl {
  const [, scheme, authority = '', path = '', search = ''] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?/i.exec(url) ?? []
  if (scheme === undefined) throw TransportUnusable({ reason: 'transport_url: no scheme specified, as in rabbit://.' })
  return {
    scheme: scheme.toLowerCase(),
    hosts: authority
      .split(',')
      .filter(part => part !== '')
      .map(readHost),
    virtualHost: decoded(path.slice(1)),
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}
