import { int, operation, query, reply, since, str } from '#api/kit'
import { declareFault } from '#base'
import { firstOf } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { Malformed } from './malformed.ts'

const TokenNotFound = declareFault('ConsoleTokenNotFound', 'missing', () => 'Token not found')

/** For proxies outside Nova: where the console is that a token opens. Below 2.31 it only knew RDP, which is gone. */
export const showConsoleToken = operation<ApiDeps, { token: string }>()({
  policy: 'os_compute_api:os-console-auth-tokens',
  query: query({}, { strict: since('2.99') }),
  reply: reply('console', {
    instance_uuid: str,
    host: str,
    port: int,
    internal_access_path: str.nullable(),
    tls_port: int.nullable().optional().since('2.99'),
  }),
  faults: { ConsoleTokenNotFound: 404, HTTPBadRequest: 400 },
  behaviours: { isForAllKinds: since('2.31') },
  async handle({ path, allow, behaves }, deps) {
    if (!behaves.isForAllKinds) throw Malformed({})
    allow()
    const found = await firstOf(deps, ({ store }) => store.consoleTokens.find(path.token, deps.clock.now()))
    if (found === undefined) throw TokenNotFound({})
    const grant = found.value
    return {
      instance_uuid: grant.instanceId,
      host: grant.host,
      port: grant.port,
      internal_access_path: grant.internalAccessPath,
      // Clients that speak SPICE themselves may do so over TLS.
      ...(grant.consoleType === 'spice-direct' ? { tls_port: grant.tlsPort } : {}),
    }
  },
})
