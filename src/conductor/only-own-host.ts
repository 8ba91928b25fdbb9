import { declareFault } from '#base'
import type { CallContext, ConductorContract, Handlers } from '#bus'
import type { ConductorDeps } from './deps.ts'

export const NotOfThisHost = declareFault(
  'Forbidden',
  'refused',
  (p: { host: string; method: string }) => `Host ${p.host} may not ask for ${p.method} in this way.`,
  403,
)

type Method = keyof Handlers<ConductorContract>

/** What a host may ask for; all the rest is between the services of the control plane. */
const ofHosts: ReadonlySet<Method> = new Set([
  'hello',
  'ready',
  'heartbeat',
  'reportHost',
  'guestEvent',
  'guestRecord',
  'hypervisorLost',
  'expectedGuests',
  'knownGuests',
  'resumeGuests',
  'settleMoves',
  'abandoned',
  'portsDown',
])

type Told = { readonly host?: unknown; readonly binary?: unknown; readonly nodeId?: unknown } | null

/** A node is its host's as long as there is a record of it. */
async function isNodeOf({ store }: ConductorDeps, nodeId: unknown, host: string): Promise<boolean> {
  if (typeof nodeId !== 'string') return nodeId === undefined
  const node = await store.computeNodes.find({ uuid: nodeId })
  return node === undefined || node.host === host
}

async function maySay(deps: ConductorDeps, method: Method, told: Told, host: string): Promise<boolean> {
  if (!ofHosts.has(method)) return false
  if (method !== 'knownGuests' && told?.host !== host) return false
  if (told?.binary !== undefined && told.binary !== 'nova-compute') return false
  return isNodeOf(deps, told?.nodeId, host)
}

type Handler = (args: never, context: CallContext) => Promise<unknown>

/** A host that the transport knows speaks of itself only; whoever is not known as a host is the control plane. */
export function onlyOwnHost(deps: ConductorDeps, handlers: Handlers<ConductorContract>): Handlers<ConductorContract> {
  const guarded = Object.entries(handlers).map(([name, handler]) => {
    const guard = async (args: never, context: CallContext) => {
      const { host } = context
      if (host !== undefined && !(await maySay(deps, name as Method, args, host))) {
        deps.log.error({ host, method: name }, 'a host has asked for what is not its own; refused')
        throw NotOfThisHost({ host, method: name })
      }
      return (handler as Handler)(args, context)
    }
    return [name, guard] as const
  })
  return Object.fromEntries(guarded) as unknown as Handlers<ConductorContract>
}
