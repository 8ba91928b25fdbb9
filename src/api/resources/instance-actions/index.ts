import {
  dateTime,
  intLike,
  links as linkList,
  list,
  obj,
  operation,
  parseIsoTime,
  query,
  reply,
  resource,
  since,
  str,
} from '#api/kit'
import { declareFault } from '#base'
import { type ActionQuery, MarkerNotFound } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { action, actionView, actionWithEvents, eventView } from './shape.ts'

const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; requestId: string }>()

export const ActionNotFound = declareFault(
  'InstanceActionNotFound',
  'missing',
  (p: { id: string }) => `Action ${p.id} not found`,
)
export const ChangesOutOfOrder = declareFault(
  'ChangesOutOfOrder',
  'refused',
  () => 'The value of changes-since must be less than or equal to changes-before.',
)

/** A log outlives its server, and may be read then from 2.21 on. */
const showsDeleted = since('2.21')

const listQuery = query(
  {
    limit: intLike({ pattern: '^[0-9]*$', low: 0, min: 1 }).optional().once().since('2.58'),
    marker: str.optional().once().since('2.58'),
    'changes-since': dateTime.optional().once().since('2.58'),
    'changes-before': dateTime.optional().once().since('2.66'),
  },
  { strict: since('2.58') },
)

function periodOf(asked: { 'changes-since'?: string; 'changes-before'?: string }): ActionQuery {
  const [from, to] = [asked['changes-since'], asked['changes-before']].map(t => t && parseIsoTime(t))
  if (typeof from === 'number' && typeof to === 'number' && to < from) throw ChangesOutOfOrder({})
  return {
    ...(typeof from === 'number' ? { changedSinceMs: from } : {}),
    ...(typeof to === 'number' ? { changedBeforeMs: to } : {}),
  }
}

const index = op({
  policy: 'os_compute_api:os-instance-actions:list',
  query: listQuery,
  reply: reply(obj({ instanceActions: list(obj(action)), links: linkList.optional().since('2.58') })),
  faults: { InstanceNotFound: 404, MarkerNotFound: 400, ChangesOutOfOrder: 400 },
  behaviours: { showsDeleted, hasPages: since('2.58') },
  async handle({ path, query, caller, allow, behaves, page, nextLinks }, deps) {
    const instance = await findServer(deps, caller, path.id, behaves.showsDeleted)
    allow(targetOf(instance))
    if (!behaves.hasPages) {
      const actions = (await deps.store.actions.list(instance.id)) ?? []
      return { instanceActions: actions.map(actionView) }
    }
    const { limit, marker } = page()
    const asked = { limit, ...(marker === undefined ? {} : { marker }), ...periodOf(query) }
    const actions = await deps.store.actions.list(instance.id, asked)
    if (actions === undefined) throw MarkerNotFound({ marker: marker ?? '' })
    const links = nextLinks(`servers/${instance.id}/os-instance-actions`, actions, a => a.requestId)
    return { instanceActions: actions.map(actionView), links }
  },
})

const show = opOnOne({
  policy: 'os_compute_api:os-instance-actions:show',
  query: query({}, { strict: since('2.102') }),
  reply: reply('instanceAction', actionWithEvents),
  faults: { InstanceNotFound: 404, InstanceActionNotFound: 404 },
  behaviours: { showsDeleted },
  async handle({ path, caller, allow, behaves }, deps) {
    const instance = await findServer(deps, caller, path.id, behaves.showsDeleted)
    allow(targetOf(instance))
    const action = await deps.store.actions.find(instance.id, path.requestId)
    if (action === undefined) throw ActionNotFound({ id: path.requestId })
    const events = await deps.store.actions.events(action)
    const projectId = action.projectId ?? instance.projectId
    return { ...actionView(action), events: events.map(event => eventView(event, projectId)) }
  },
})

/** What was asked of a server, by whom, and what came of it. */
export const instanceActions = resource('/servers/{id}/os-instance-actions', {
  'GET /': index,
  'GET /{requestId}': show,
})
