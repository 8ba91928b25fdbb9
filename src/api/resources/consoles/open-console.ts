import { Fault, isTransient } from '#base'
import type { ConsoleAccess, ConsoleAsk } from '#bus'
import type { Caller } from '#cloud'
import { HostUnavailable, type Instance, InstanceNotReady } from '#model'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin } from '../servers/find.ts'

export const consoleFaults = {
  InstanceNotFound: 404,
  InstanceNotReady: 409,
  InstanceInvalidState: 409,
  HostUnavailable: 409,
  ConsoleTypeInvalid: 400,
  ConsoleTypeUnavailable: 400,
  FeatureNotSupported: 501,
} as const

async function askHost(deps: ApiDeps, instance: Instance, host: string, ask: ConsoleAsk): Promise<ConsoleAccess> {
  try {
    return await deps.computeOn(host).console(ask)
  } catch (error) {
    if (isTransient(error)) throw HostUnavailable({ host }, { cause: error })
    // The guest is not made yet.
    const isMissing = error instanceof Fault && error.kind === 'missing'
    if (isMissing && instance.vmState === 'building') throw InstanceNotReady({ id: instance.id }, { cause: error })
    throw error
  }
}

/** noVNC takes its token inside the path that it then asks for; all others as a parameter. */
function addressOf(base: string, type: string, token: string): string {
  if (type !== 'novnc') return `${base}?token=${token}`
  const [page = '', asked] = base.split('?', 2)
  const parameters = new URLSearchParams(asked)
  parameters.set('path', `${parameters.get('path') ?? ''}?token=${token}`)
  return `${page}?${parameters}`
}

/** Asks the guest's host for the console and grants a token for it; the answer is the address for the user's browser. */
export async function openConsole(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  { kind, type }: Pick<ConsoleAsk, 'kind' | 'type'>,
): Promise<string> {
  const { id, host } = instance
  mustAllow(instance, 'console', `get_${kind}_console`, isAdmin(caller))
  if (host === null) throw InstanceNotReady({ id })
  const { accessUrlBase, tokenTtlMs, ...point } = await askHost(deps, instance, host, { id, kind, type })
  const nowMs = deps.clock.now()
  const grant = {
    ...point,
    instanceId: id,
    computeHost: host,
    consoleType: type,
    accessUrlBase,
    expiresAtMs: nowMs + tokenTtlMs,
  }
  return addressOf(accessUrlBase, type, await deps.store.consoleTokens.grant(grant, nowMs))
}
