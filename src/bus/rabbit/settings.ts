import { readFileSync } from 'node:fs'
import { TransportUnusable } from '../faults.ts'
import { parseTransportUrl, type TransportUrl } from '../transport-url.ts'

/** `[oslo_messaging_rabbit]`. */
export interface RabbitOptions {
  /** Seconds; 0: no heartbeats. */
  readonly heartbeatSeconds: number
  /** Pauses between attempts to connect. */
  readonly retry: { readonly firstMs: number; readonly stepMs: number; readonly mostMs: number }
  readonly isTls: boolean
  readonly tls: {
    /** Empty: not set. Without a CA nobody's certificate is checked, as in oslo.messaging. */
    readonly caFile: string
    readonly certFile: string
    readonly keyFile: string
    readonly checksHostname: boolean
  }
}

export const rabbitDefaults: RabbitOptions = {
  heartbeatSeconds: 60,
  retry: { firstMs: 250, stepMs: 500, mostMs: 5_000 },
  isTls: false,
  tls: { caFile: '', certFile: '', keyFile: '', checksHostname: false },
}

export interface Broker {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

export interface TlsFiles {
  readonly ca: Buffer | undefined
  readonly cert: Buffer | undefined
  readonly key: Buffer | undefined
  readonly checksHostname: boolean
}

/** Where to connect, and how. */
export interface RabbitPlace extends Pick<RabbitOptions, 'heartbeatSeconds' | 'retry'> {
  readonly brokers: readonly [Broker, ...Broker[]]
  readonly virtualHost: string
  readonly tls: TlsFiles | undefined
}

const isYes = (text: string) => ['1', 'true', 'yes', 'on'].includes(text.toLowerCase())

/** Options of the driver may stand in the URL, as `?ssl=1`; they win there. */
function withQuery(options: RabbitOptions, { query }: TransportUrl): RabbitOptions {
  const text = (name: string, otherwise: string) => query[name] ?? otherwise
  const flag = (name: string, otherwise: boolean) => (query[name] === undefined ? otherwise : isYes(query[name]))
  const { tls } = options
  return {
    ...options,
    heartbeatSeconds: Number(text('heartbeat_timeout_threshold', String(options.heartbeatSeconds))),
    isTls: flag('ssl', options.isTls),
    tls: {
      caFile: text('ssl_ca_file', tls.caFile),
      certFile: text('ssl_cert_file', tls.certFile),
      keyFile: text('ssl_key_file', tls.keyFile),
      checksHostname: flag('ssl_enforce_hostname_verification', tls.checksHostname),
    },
  }
}

function readFile(path: string): Buffer | undefined {
  if (path === '') return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw TransportUnusable(
      { reason: `[oslo_messaging_rabbit]: ${path} cannot be read: ${code ?? message}` },
      { cause: error },
    )
  }
}

function readTls({ tls }: RabbitOptions): TlsFiles {
  return {
    ca: readFile(tls.caFile),
    cert: readFile(tls.certFile),
    key: readFile(tls.keyFile),
    checksHostname: tls.checksHostname,
  }
}

export function rabbitPlace(url: string, given: RabbitOptions): RabbitPlace {
  const parsed = parseTransportUrl(url)
  const options = withQuery(given, parsed)
  if (!Number.isInteger(options.heartbeatSeconds) || options.heartbeatSeconds < 0) {
    throw TransportUnusable({ reason: 'transport_url: heartbeat_timeout_threshold is no number of seconds.' })
  }
  const hosts = parsed.hosts.length > 0 ? parsed.hosts : [{ host: null, port: null, user: null, password: null }]
  const brokers = hosts.map(({ host, port, user, password }) => ({
    host: host ?? 'localhost',
    // The same with TLS, as in oslo.messaging.
    port: port ?? 5672,
    user: user ?? 'guest',
    password: password ?? 'guest',
  }))
  return {
    brokers: brokers as [Broker, ...Broker[]],
    virtualHost: parsed.virtualHost || '/',
    tls: options.isTls ? readTls(options) : undefined,
    heartbeatSeconds: options.heartbeatSeconds,
    retry: options.retry,
  }
}
