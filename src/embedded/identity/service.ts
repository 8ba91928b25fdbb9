import type { FastifyRequest } from 'fastify'
import { type Clock, Closers, type Fault, type Log, minutes } from '#base'
import type { IdentityPort } from '#cloud'
import { createFace, type Face, type FaultAnswer, reasonOf } from '#http'
import { openDatabase } from '#store/engine'
import { type Bootstrapped, bootstrap } from './bootstrap.ts'
import { type CatalogService, setCatalog } from './catalog.ts'
import { routes } from './http/routes.ts'
import { identityPort } from './identity-port.ts'
import { Passwords } from './passwords.ts'
import type { IdentityTables } from './store/rows.ts'
import { IdentityState } from './store/state.ts'
import { Tokens } from './tokens.ts'

export interface IdentityOptions {
  readonly databaseUrl: string
  readonly log: Log
  readonly clock: Clock
  /** Of user `admin`; set again at every start when it differs, as keystone-manage bootstrap does. */
  readonly adminPassword: string
  /** Of user `nova`, for services in other processes; without one nobody can log in as nova. */
  readonly servicePassword?: string
  readonly region: string
  /** `http://host:5000` for links in answers; by default the address the request came to. */
  readonly publicUrl?: () => string
  /** How long a token lives; Keystone's default is an hour. */
  readonly tokenLifetimeMs?: number
}

export interface IdentityService {
  /** For the services in this process. */
  readonly port: IdentityPort
  /** The public API; not listening yet. */
  readonly face: Face
  readonly bootstrapped: Bootstrapped
  /** Brings the catalogue to these services; entries an operator added stay. */
  setCatalog(services: readonly CatalogService[]): Promise<void>
  close(): Promise<void>
}

const purgeEveryMs = minutes(10)

const requestUrl = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

function renderFault(baseUrl: (request: FastifyRequest) => string) {
  return (fault: Fault, request: FastifyRequest): FaultAnswer => {
    const message =
      fault.status >= 500 ? 'An unexpected error prevented the server from fulfilling your request.' : fault.message
    return {
      status: fault.status,
      body: { error: { code: fault.status, message, title: reasonOf(fault.status) ?? 'Error' } },
      headers: {
        vary: 'X-Auth-Token',
        ...(fault.status === 401 ? { 'www-authenticate': `Keystone uri="${baseUrl(request)}/v3"` } : {}),
      },
    }
  }
}

/** Deletes expired tokens now and then; a failure is logged and the next round tries again. */
function purgeNowAndThen(tokens: Tokens, clock: Clock, log: Log): () => void {
  let cancel = () => {}
  const round = async () => {
    try {
      const purged = await tokens.purge()
      if (purged > 0) log.debug({ purged }, 'expired tokens removed')
    } catch (error) {
      log.error({ err: error }, 'expired tokens could not be removed')
    }
  }
  const plan = () => {
    cancel = clock.after(purgeEveryMs, () => {
      void round()
      plan()
    })
  }
  plan()
  return () => cancel()
}

/** Opens the service's own tables, bootstraps the cloud's first users and builds the API. */
export async function createIdentityService(options: IdentityOptions): Promise<IdentityService> {
  const { log, clock } = options
  const closers = new Closers()
  const db = openDatabase<IdentityTables>(options.databaseUrl)
  closers.add(() => db.destroy())
  try {
    const state = await IdentityState.load(db)
    const passwords = new Passwords()
    const bootstrapped = await bootstrap(state, passwords, options)
    const tokens = new Tokens(state, clock, options.tokenLifetimeMs ?? minutes(60))
    await tokens.purge()
    const { publicUrl } = options
    const baseUrl = publicUrl === undefined ? requestUrl : () => publicUrl().replace(/\/(v3\/?)?$/, '')
    const face = createFace({
      log,
      // Where DevStack has it, and with that many a script.
      alias: '/identity',
      renderFault: renderFault(baseUrl),
      notFound: () => ({
        status: 404,
        body: { error: { code: 404, message: 'The resource could not be found.', title: 'Not Found' } },
      }),
    })
    routes({ face, state, tokens, passwords, now: () => clock.now(), baseUrl })
    closers.add(purgeNowAndThen(tokens, clock, log))
    closers.add(() => face.close())
    return {
      port: identityPort(state, tokens, clock, bootstrapped),
      face,
      bootstrapped,
      setCatalog: services => setCatalog(state, options.region, services),
      close: () => closers.close(),
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
