import { bare, int, list, obj, oneOf, operation, reply, resource, str, text, uuid } from '#api/kit'
import { type ExternalEvent, type ExternalEventName, externalEventNames } from '#bus'
import type { Caller } from '#cloud'
import type { Instance } from '#model'
import { acceptVolumeExtend } from '../../accept/volume-extend.ts'
import { severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { recordedAs } from './recorded.ts'

const statuses = ['failed', 'completed', 'in-progress'] as const
type Status = (typeof statuses)[number]

const upTo = (name: ExternalEventName) => oneOf(...externalEventNames.slice(0, externalEventNames.indexOf(name) + 1))
const name = upTo('network-vif-deleted')
  .from('2.51', upTo('volume-extended'))
  .from('2.76', upTo('power-update'))
  .from('2.82', upTo('accelerator-request-bound'))
  .from('2.93', upTo('volume-reimaged'))
const tag = text({ max: 255 }).optional()

/** Events that say nothing without their tag. */
const needsTag: ReadonlySet<string> = new Set(['volume-extended', 'power-update', 'accelerator-request-bound'])

interface Told {
  readonly name: ExternalEventName
  readonly server_uuid: string
  readonly status?: Status
  readonly tag?: string
}

/** What becomes of an event; only servers that are on a host have somebody to tell. */
function codeFor(event: Told, server: Found | undefined): 200 | 400 | 404 | 422 {
  if (server === undefined) return 404
  if (needsTag.has(event.name) && event.tag === undefined) return 400
  return server.instance?.host == null ? 422 : 200
}

interface Found {
  /** What its cell has. */
  readonly deps: ApiDeps
  /** Undefined while its cell is away: it is there, and nobody can be told. */
  readonly instance: Instance | undefined
}

async function serversIn(deps: ApiDeps, ids: readonly string[]): Promise<[string, Found][]> {
  if (deps.away !== undefined) return ids.map(id => [id, { deps, instance: undefined }])
  const instances = await deps.store.instances.list({ filter: { ids, deleted: 'no' } })
  return instances.map(instance => [instance.id, { deps, instance }])
}

/** Each in its cell; those that are not where they were looked for may have gone there meanwhile. */
async function serversOf(deps: ApiDeps, ids: readonly string[]): Promise<ReadonlyMap<string, Found>> {
  const cells = await severalCells(deps)
  if (cells === undefined) return new Map(await serversIn(deps, ids))
  const found = new Map<string, Found>()
  for (let look = 0; look < 2 && found.size < ids.length; look++) {
    const missing = ids.filter(id => !found.has(id))
    for (const { deps: own, ids: some } of await cells.ofServers(missing))
      for (const [id, server] of await serversIn(own, some)) found.set(id, server)
  }
  return found
}

async function take(deps: ApiDeps, caller: Caller, events: readonly ExternalEvent[]): Promise<void> {
  for (const { name, instanceId, tag, requestId } of events)
    if (name === 'volume-extended' && tag !== null)
      await acceptVolumeExtend(deps, caller, requestId, { instanceId, volumeId: tag })
  for (const event of events) {
    const action = recordedAs(event)
    if (action === undefined) continue
    const { instanceId, requestId } = event
    const { userId, projectId } = caller
    await deps.store.actions.start({ instanceId, action, requestId, userId, projectId, startAtMs: deps.clock.now() })
  }
  const rest = events.filter(event => event.name !== 'volume-extended')
  if (rest.length > 0) await hand(deps, rest)
}

async function hand(deps: ApiDeps, events: readonly ExternalEvent[]): Promise<void> {
  try {
    await deps.conductor.externalEvents({ events })
  } catch (error) {
    deps.log.warn({ count: events.length, err: error }, 'no conductor took the events of another service')
  }
}

const create = operation<ApiDeps>()({
  alsoStatus: [207],
  policy: 'os_compute_api:os-server-external-events:create',
  body: bare(
    obj({
      events: list(obj({ name, server_uuid: uuid, status: oneOf(...statuses).optional(), tag }), { min: 1 }),
    }),
  ),
  reply: reply('events', list(obj({ name, server_uuid: str, status: oneOf(...statuses), tag, code: int }))),
  async handle({ body, caller, allow, answer, requestId }, deps) {
    // The caller is a service: the project of its token is not that of the servers.
    allow({})
    const ids = [...new Set(body.events.map(event => event.server_uuid))]
    const found = await serversOf(deps, ids)
    const events = body.events.map(event => ({ event, code: codeFor(event, found.get(event.server_uuid)) }))
    const accepted = events.filter(({ code }) => code === 200)
    for (const [own, some] of Map.groupBy(accepted, ({ event }) => found.get(event.server_uuid)?.deps ?? deps))
      await take(
        own,
        caller,
        some.map(({ event: { server_uuid: instanceId, name, status = 'completed', tag = null } }) => {
          return { instanceId, name, status, tag, requestId }
        }),
      )
    if (accepted.length < events.length) answer(207)
    return events.map(({ event, code }) => ({
      ...event,
      status: code === 200 ? ('completed' as const) : ('failed' as const),
      code,
    }))
  },
})

/** Where Neutron, Cinder, Ironic and Cyborg tell what has happened to things of servers. */
export const serverExternalEvents = resource('/os-server-external-events', { 'POST /': create })
