import { declareFault } from '#base'

/** The token is missing, unknown, expired or revoked. */
export const TokenInvalid = declareFault(
  'TokenInvalid',
  'refused',
  () => 'The request you have made requires authentication.',
  401,
)

/** Who speaks: what a validated token says. */
export interface Caller {
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string
  readonly userDomainName: string
  /** Null for unscoped, domain and system tokens. */
  readonly projectId: string | null
  readonly projectName: string | null
  readonly projectDomainId: string | null
  readonly projectDomainName: string | null
  /** Names, implied roles included (admin implies manager implies member implies reader). */
  readonly roles: readonly string[]
  /** True for a token scoped to the whole deployment. */
  readonly systemScope: boolean
  readonly domainId: string | null
  readonly token: string
  readonly expiresAtMs: number
}

export interface ProjectView {
  readonly id: string
  readonly name: string
  readonly domainId: string
  readonly enabled: boolean
}

export type EndpointInterface = 'public' | 'internal' | 'admin'

export interface IdentityPort {
  /** The caller of a token; `TokenInvalid` otherwise. Cheap: called for every API request. */
  validate(token: string): Promise<Caller>
  /** A project by id, or undefined when there is none. */
  project(id: string): Promise<ProjectView | undefined>
  /** The service user (role admin, project service) that Nova itself acts as towards its neighbours. */
  serviceCaller(): Promise<Caller>
  /**
   * Unified limits of the compute service by resource name (`servers`, `class:VCPU`, `server_key_pairs`, …): the registered
   * defaults, and over them what the project has of its own. Without a project: the defaults.
   */
  limits(projectId: string | null): Promise<Readonly<Record<string, number>>>
  /** Base URL from the catalogue by service type (`image`, `network`, …). */
  endpoint(serviceType: string, which: EndpointInterface): Promise<string | undefined>
}
