import { BadDatabaseUrl } from './faults.ts'

/** Files for the connection's encryption; what PyMySQL takes from the URL. */
export interface DatabaseTls {
  readonly ca?: string
  readonly caFolder?: string
  readonly cert?: string
  readonly key?: string
  readonly cipher?: string
  /** The server's certificate must be of a known authority. */
  readonly isVerified: boolean
  /** And be of the name that was called. */
  readonly checksName: boolean
}

export interface MysqlAddress {
  readonly kind: 'mysql'
  readonly host: string
  readonly port: number
  readonly socketPath?: string
  readonly user?: string
  readonly password?: string
  readonly database: string
  readonly tls?: DatabaseTls
  readonly connectTimeoutMs?: number
}

export interface SqliteAddress {
  readonly kind: 'sqlite'
  /** `:memory:` has no file. */
  readonly path: string
}

export type DatabaseAddress = SqliteAddress | MysqlAddress

/**
 * `dialect+driver://user:password@host:port/database?name=value`, cut as SQLAlchemy cuts it: a password ends at the
 * first `@`, and may hold anything else unquoted.
 */
const form =
  /^(?<dialect>\w+)(?:\+\w+)?:\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*))?@)?(?:\[(?<v6>[^/?\]]+)\]|(?<host>[^/:?]+))?(?::(?<port>\d*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/

const family = new Set(['mysql', 'mariadb'])

const unquote = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that quotes nothing stands for itself, as in Python.
    return text
  }
}

const isOn = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : /^(true|1|yes|on|t|y)$/i.test(text)

/** PyMySQL's rules: an authority given means that the server must prove itself, and by name. */
function tlsOf(query: ReadonlyMap<string, string>): DatabaseTls | undefined {
  const text = (name: string) => query.get(name)
  const [ca, caFolder, cert, key, cipher] = ['ssl_ca', 'ssl_capath', 'ssl_cert', 'ssl_key', 'ssl_cipher'].map(text)
  const verify = isOn(text('ssl_verify_cert'))
  const named = isOn(text('ssl_verify_identity')) ?? isOn(text('ssl_check_hostname'))
  const wanted = isOn(text('ssl')) === true || verify === true || named === true
  if ([ca, caFolder, cert, key, cipher].every(one => one === undefined) && !wanted) return undefined
  const hasAuthority = ca !== undefined || caFolder !== undefined
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(caFolder === undefined ? {} : { caFolder }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(cipher === undefined ? {} : { cipher }),
    isVerified: verify ?? hasAuthority,
    checksName: named ?? hasAuthority,
  }
}

function sqliteAddress(url: string): SqliteAddress {
  const match = /^sqlite(?:\+\w+)?:\/\/(?:\/([^?]*))?(?:\?.*)?$/.exec(url)
  if (match === null) throw BadDatabaseUrl({ reason: 'a SQLite database has a path and no host: sqlite:////path' })
  const path = match[1]
  return { kind: 'sqlite', path: path === undefined || path === '' ? ':memory:' : path }
}

/** What a `connection` of nova.conf names. `more` is `connection_parameters`: `name=value&name=value`, the URL's own win. */
export function readDatabaseUrl(url: string, more = ''): DatabaseAddress {
  const dialect = /^(\w+)/.exec(url)?.[1]?.toLowerCase() ?? ''
  if (dialect === 'sqlite') return sqliteAddress(url)
  if (!family.has(dialect)) throw BadDatabaseUrl({ reason: `'${dialect}' is neither sqlite nor mysql nor mariadb` })
  const parts = form.exec(url)?.groups
  if (parts === undefined)
    throw BadDatabaseUrl({ reason: 'it is not of the form mysql+pymysql://user:password@host:port/database' })
  const query = new Map([...new URLSearchParams(more), ...new URLSearchParams(parts['query'] ?? '')])
  const database = unquote(parts['database'] ?? '')
  if (database === '') throw BadDatabaseUrl({ reason: 'it names no database' })
  const { user, password, port } = parts
  const socketPath = query.get('unix_socket')
  const tls = tlsOf(query)
  const connectSeconds = Number(query.get('connect_timeout') ?? '')
  return {
    kind: 'mysql',
    host: parts['v6'] ?? parts['host'] ?? 'localhost',
    port: port === undefined || port === '' ? 3306 : Number(port),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(user === undefined || user === '' ? {} : { user: unquote(user) }),
    ...(password === undefined ? {} : { password: unquote(password) }),
    database,
    ...(tls === undefined ? {} : { tls }),
    ...(connectSeconds > 0 ? { connectTimeoutMs: connectSeconds * 1000 } : {}),
  }
}

/** For people and logs: which database, and no password. */
export const nameOfDatabase = (address: DatabaseAddress): string =>
  address.kind === 'sqlite'
    ? `sqlite:///${address.path}`
    : `mysql://${address.socketPath ?? `${address.host}:${address.port}`}/${address.database}`
