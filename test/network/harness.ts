import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, systemClock } from '#base'
import { type Caller, type IdentityPort, TokenInvalid } from '#cloud'
import { listen } from '#http'
import { createNetworkService, type NetworkService, type Plumber } from '#network'
import { databaseAt } from '../database/index.ts'

/** A token is `<project>:<role>[,<role>…]`; anything else is refused. */
export const identity: IdentityPort = {
  async validate(token) {
    const [projectId, roles] = token.split(':')
    if (projectId === undefined || projectId === '' || roles === undefined) throw TokenInvalid({})
    return callerOf(projectId, roles.split(','))
  },
  async project(id) {
    return { id, name: id, domainId: 'default', enabled: true }
  },
  serviceCaller: async () => callerOf('service', ['admin', 'service']),
  limits: async () => ({}),
  endpoint: async () => undefined,
}

export function callerOf(projectId: string, roles: readonly string[]): Caller {
  return {
    userId: `user-of-${projectId}`,
    userName: projectId,
    userDomainId: 'default',
    userDomainName: 'Default',
    projectId,
    projectName: projectId,
    projectDomainId: 'default',
    projectDomainName: 'Default',
    roles,
    systemScope: false,
    domainId: null,
    token: `${projectId}:${roles.join(',')}`,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  }
}

/** Replies are looked at, not typed: a body is whatever JSON.parse gives. */
export type Reply = { status: number; body: ReturnType<typeof JSON.parse> }

export interface Api {
  (method: string, path: string, body?: unknown, token?: string): Promise<Reply>
}

export interface Running {
  readonly service: NetworkService
  readonly url: string
  readonly api: Api
  readonly folder: string
  close(): Promise<void>
}

export async function startNetwork(
  options: { plumber?: Plumber; host?: string; folder?: string } = {},
): Promise<Running> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'nova-network-test-'))
  const service = await createNetworkService({
    databaseUrl: await databaseAt(folder, 'network'),
    identity,
    log: silentLog,
    clock: systemClock,
    ...(options.plumber === undefined ? {} : { plumber: options.plumber }),
    ...(options.host === undefined ? {} : { host: options.host }),
  })
  const port = await listen(service.face, { service: 'network', host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${port}`
  const api: Api = async (method, path, body, token = 'alpha:member') => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'x-auth-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return {
    service,
    url,
    api,
    folder,
    async close() {
      await service.close()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
