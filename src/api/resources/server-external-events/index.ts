import { bare, int, list, obj, oneOf, operation, reply, resource, str, text, uuid } from '#api/kit'
import { type ExternalEvent, type ExternalEventName, externalEventNames } from '#bus'
import type { Instance } from '#model'
import { acceptVolumeExtend } from '../../accept/volume-extend.ts'
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
function codeFor(event: Told, instance: Instance | undefined): 200 | 400 | 404 | 422 {
  if (instance === undefined) return 404
  if (needsTag.has(event.name) && event.tag === undefined) return 400
  return instance.host === null ? 422 : 200
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
    const found = new Map(
      (await deps.store.instances.list({ filter: { ids, deleted: 'no' } })).map(i => [String(i.id), i]),
    )
    const events = body.events.map(event => ({ event, code: codeFor(event, found.get(event.server_uuid)) }))
    const accepted = events.flatMap(({ event, code }): ExternalEvent[] => {
      if (code !== 200) return []
      const { server_uuid: instanceId, name, status = 'completed', tag = null } = event
      return [{ instanceId, name, status, tag, requestId }]
    })
    for (const { name, instanceId, tag } of accepted)
      if (name === 'volume-extended' && tag !== null)
        await acceptVolumeExtend(deps, caller, requestId, { instanceId, volumeId: tag })
    for (const event of accepted) {
      const action = recordedAs(event)
      if (action === undefined) continue
      const { userId, projectId } = caller
      const startAtMs = deps.clock.now()
      await deps.store.actions.start({ instanceId: event.instanceId, action, requestId, userId, projectId, startAtMs })
    }
    const rest = accepted.filter(event => event.name !== 'volume-extended')
    if (rest.length > 0) await hand(deps, rest)
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
