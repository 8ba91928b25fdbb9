import { readFileSync } from 'node:fs'
import { type Clock, type Closers, declareFault, type Log } from '#base'
import {
  barbicanKeys,
  type Credentials,
  cinderPort,
  glancePort,
  HttpClient,
  type KeyPort,
  keystonePort,
  manilaPort,
  neutronPort,
  newestMicroversion,
  placementPort,
  type ServiceOptions,
  Session,
  type Tls,
} from '#cloud'
import type { Config } from '#config'
import { keysOf } from './keys.ts'
import { type Neighbours, secondsOf } from './shared.ts'

export const CredentialsMissing = declareFault(
  'MissingAuthOptions',
  'final',
  (p: { section: string; option: string }) => `[${p.section}] ${p.option} is not set in nova.conf.`,
)
export const AuthTypeUnsupported = declareFault(
  'NoMatchingPlugin',
  'final',
  (p: { section: string; type: string }) =>
    `[${p.section}] auth_type ${p.type} is not supported; use password or v3applicationcredential.`,
)
export const CertificateUnreadable = declareFault(
  'CertificateUnreadable',
  'final',
  (p: { section: string; file: string; reason: string }) => `[${p.section}] ${p.file} cannot be read: ${p.reason}`,
)

const sessionSections = [
  'barbican_service_user',
  'cinder',
  'glance',
  'keystone',
  'keystone_authtoken',
  'manila',
  'neutron',
  'oslo_limit',
  'placement',
  'service_user',
] as const
type SectionName = (typeof sessionSections)[number]

/** Whose options count when a section has no credentials of its own. */
const fallbacks: readonly SectionName[] = ['service_user', 'keystone_authtoken']

/** Options that name the same user share one token. */
interface Remembered {
  readonly clients: HttpClient[]
  readonly sessions: Map<string, Session>
}

function credentialsSection(config: Config, name: SectionName): SectionName {
  const named = sessionSections.find(section => section === config[name].auth_section)
  const order = [name, ...(named === undefined ? [] : [named]), ...fallbacks]
  return order.find(section => config[section].auth_url !== null) ?? name
}

function credentialsOf(config: Config, name: SectionName): Credentials {
  const s = config[name]
  const need = (option: 'auth_url' | 'password' | 'application_credential_secret'): string => {
    const value = s[option]
    if (value === null) throw CredentialsMissing({ section: name, option })
    return value
  }
  const authUrl = need('auth_url')
  const type = s.auth_type ?? 'password'
  const isApplication = type === 'v3applicationcredential'
  if (!isApplication && type !== 'password' && type !== 'v3password') throw AuthTypeUnsupported({ section: name, type })
  if (!isApplication && s.username === null && s.user_id === null) {
    throw CredentialsMissing({ section: name, option: 'username' })
  }
  const domain = { id: s.default_domain_id, name: s.default_domain_name }
  const owner = (id: string | null, ownName: string | null, domainId: string | null, domainName: string | null) => ({
    id,
    name: ownName,
    domainId: domainId ?? (domainName === null ? domain.id : null),
    domainName: domainName ?? domain.name,
  })
  const hasProject = s.project_id !== null || s.project_name !== null
  return {
    authUrl,
    user: owner(s.user_id, s.username, s.user_domain_id, s.user_domain_name),
    password: isApplication ? null : need('password'),
    project: hasProject ? owner(s.project_id, s.project_name, s.project_domain_id, s.project_domain_name) : null,
    applicationCredential: isApplication
      ? {
          id: s.application_credential_id,
          name: s.application_credential_name,
          secret: need('application_credential_secret'),
        }
      : null,
  }
}

function tlsOf(config: Config, name: SectionName): Tls {
  const s = config[name]
  const read = (file: string | null): string | undefined => {
    if (file === null) return undefined
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw CertificateUnreadable({ section: name, file, reason: code ?? message }, { cause: error })
    }
  }
  const [ca, cert, key] = [read(s.cafile), read(s.certfile), read(s.keyfile)]
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    isInsecure: s.insecure,
  }
}

function httpOf(config: Config, name: SectionName, clock: Clock, remembered: Remembered): HttpClient {
  const s = config[name]
  const client = new HttpClient({
    clock,
    tls: tlsOf(config, name),
    ...(s.timeout === null ? {} : { timeoutMs: secondsOf(s.timeout) }),
    ...(s.connect_retries === null ? {} : { attempts: s.connect_retries + 1 }),
    ...(s.connect_retry_delay === null ? {} : { retryDelayMs: secondsOf(s.connect_retry_delay) }),
  })
  remembered.clients.push(client)
  return client
}

function sessionOf(config: Config, name: SectionName, clock: Clock, remembered: Remembered): Session {
  const section = credentialsSection(config, name)
  const credentials = credentialsOf(config, section)
  const key = JSON.stringify(credentials)
  const known = remembered.sessions.get(key)
  if (known !== undefined) return known
  const session = new Session({ http: httpOf(config, section, clock, remembered), credentials, clock })
  remembered.sessions.set(key, session)
  return session
}

function serviceOf(
  config: Config,
  name: SectionName,
  type: string,
  clock: Clock,
  remembered: Remembered,
): ServiceOptions {
  const s = config[name]
  return {
    http: httpOf(config, name, clock, remembered),
    session: sessionOf(config, name, clock, remembered),
    endpoint: {
      override: s.endpoint_override,
      serviceType: s.service_type ?? type,
      serviceName: s.service_name,
      interfaces: s.valid_interfaces,
      region: s.region_name,
    },
    ...(config.service_user.send_service_user_token
      ? { serviceUser: sessionOf(config, 'service_user', clock, remembered) }
      : {}),
  }
}

/** What is asked for is made once; what nobody asks for needs no options. */
function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Where clients get their tokens, as a 401 of ours says. */
export function authUri(config: Config): string {
  const section = config[credentialsSection(config, 'keystone_authtoken')]
  const uri = config.keystone_authtoken.www_authenticate_uri ?? section.auth_url
  if (uri === null) throw CredentialsMissing({ section: 'keystone_authtoken', option: 'auth_url' })
  return uri
}

/** `catalog_info` is `<type>:<name>:<interface>`, with `publicURL` for public; `endpoint_template` takes its place. */
function cinderService({ cinder }: Config, service: ServiceOptions): ServiceOptions {
  const [serviceType = 'volumev3', serviceName = '', interfaceName = ''] = cinder.catalog_info.split(':')
  return {
    ...service,
    endpoint: {
      override: cinder.endpoint_template ?? cinder.endpoint_override,
      serviceType,
      serviceName: serviceName === '' ? null : serviceName,
      interfaces: [interfaceName.replace(/URL$/, '') || 'public'],
      region: cinder.os_region_name ?? cinder.region_name,
    },
  }
}

/** Who Nova is to Barbican stands in one section, where Barbican is in another. */
function barbican(config: Config, clock: Clock, remembered: Remembered): KeyPort {
  const { barbican: at } = config
  const { endpoint, ...service } = serviceOf(config, 'barbican_service_user', 'key-manager', clock, remembered)
  const insecure = { ...config.barbican_service_user, insecure: !at.verify_ssl }
  const section = { ...insecure, cafile: at.verify_ssl_path ?? insecure.cafile }
  return barbicanKeys({
    ...service,
    http: httpOf({ ...config, barbican_service_user: section }, 'barbican_service_user', clock, remembered),
    endpoint: {
      override: at.barbican_endpoint ?? endpoint.override ?? null,
      serviceType: endpoint.serviceType,
      interfaces: [at.barbican_endpoint_type],
      region: at.barbican_region_name ?? endpoint.region ?? null,
    },
    ...(at.send_service_user_token ? { serviceUser: sessionOf(config, 'service_user', clock, remembered) } : {}),
  })
}

/** The key manager alone, of a cloud whose other neighbours are built in. */
export function keysFromConfig(config: Config, statePath: string, clock: Clock, closers: Closers): KeyPort {
  const remembered: Remembered = { clients: [], sessions: new Map() }
  closers.add(() => closeAll(remembered))
  return keysOf(config, statePath, () => barbican(config, clock, remembered))
}

async function closeAll({ clients }: Remembered): Promise<void> {
  await Promise.all(clients.map(client => client.close()))
}

/** Which microversions the operator's services know. */
export function versionsFromConfig(config: Config, clock: Clock, closers: Closers) {
  const remembered: Remembered = { clients: [], sessions: new Map() }
  closers.add(() => closeAll(remembered))
  const service = (name: SectionName, type: string) => serviceOf(config, name, type, clock, remembered)
  return {
    placement: async () => newestMicroversion('placement', '', service('placement', 'placement')),
    volume: async () => newestMicroversion('volume', '/v3', cinderService(config, service('cinder', 'volumev3'))),
  }
}

/**
 * The operator's own Keystone, Glance, Neutron, Cinder, Manila and Placement, as nova.conf names them. A section is read when its service is
 * first asked for: a scheduler needs no [glance], and a host no [placement].
 */
export function neighboursFromConfig(parts: {
  config: Config
  log: Log
  clock: Clock
}): Neighbours & { close(): Promise<void> } {
  const { config, log, clock } = parts
  const remembered: Remembered = { clients: [], sessions: new Map() }
  const service = (name: SectionName, type: string) => serviceOf(config, name, type, clock, remembered)
  const identity = lazy(() => {
    const { keystone_authtoken: options } = config
    return keystonePort({
      http: httpOf(config, 'keystone_authtoken', clock, remembered),
      session: sessionOf(config, 'keystone_authtoken', clock, remembered),
      clock,
      tokenCacheMs: secondsOf(options.token_cache_time),
      region: options.region_name,
      limitsEndpointId: config.oslo_limit.endpoint_id,
      ...(config.oslo_limit.auth_url === null
        ? {}
        : { limitsSession: sessionOf(config, 'oslo_limit', clock, remembered) }),
    })
  })
  const images = lazy(() => {
    const { endpoint, ...rest } = service('glance', 'image')
    const [server] = config.glance.api_servers
    return glancePort({ ...rest, endpoint: server === undefined ? endpoint : { ...endpoint, override: server } })
  })
  const network = lazy(() => {
    const extensionsMs = secondsOf(config.neutron.extension_sync_interval)
    return neutronPort({ ...service('neutron', 'network'), clock, extensionsMs })
  })
  const placement = lazy(() => placementPort({ ...service('placement', 'placement'), log, mayLeaveOutTraits: true }))
  const volumes = lazy(() => cinderPort(cinderService(config, service('cinder', 'volumev3'))))
  const shares = lazy(() => manilaPort(service('manila', 'shared-file-system')))
  return {
    get identity() {
      return identity()
    },
    get images() {
      return images()
    },
    get network() {
      return network()
    },
    get placement() {
      return placement()
    },
    get volumes() {
      return volumes()
    },
    get shares() {
      return shares()
    },
    // Neutron's own agents wire the guests.
    plugger: undefined,
    keys: keysOf(config, config.DEFAULT.state_path, () => barbican(config, clock, remembered)),
    close: () => closeAll(remembered),
  }
}
