import { list, obj, str } from '#api/kit'
import { isoMicros } from '#base'
import type { ActionEvent, InstanceAction } from '#store'
import { hostIdOf } from '../servers/view.ts'

const rules = 'os_compute_api:os-instance-actions'
const allOfIt = `${rules}:events`

export const action = {
  action: str,
  instance_uuid: str,
  request_id: str,
  user_id: str.nullable(),
  project_id: str.nullable(),
  start_time: str,
  message: str.nullable(),
  updated_at: str.nullable().since('2.58'),
}

const event = obj({
  event: str,
  start_time: str,
  finish_time: str.nullable(),
  result: str.nullable(),
  traceback: str.nullable().optional().requires(allOfIt),
  hostId: str.since('2.62'),
  host: str.nullable().optional().requires(allOfIt).since('2.62'),
  details: str.nullable().optional().requires(`${rules}:events:details`).since('2.84'),
})

// Below 2.51 the events were for administrators as a whole.
export const actionWithEvents = { ...action, events: list(event).requires(allOfIt).from('2.51', list(event)) }

export const actionView = (action: InstanceAction) => ({
  action: action.action,
  instance_uuid: action.instanceId,
  request_id: action.requestId,
  user_id: action.userId,
  project_id: action.projectId,
  start_time: isoMicros(action.startAtMs),
  message: action.message,
  updated_at: action.updatedAtMs === null ? null : isoMicros(action.updatedAtMs),
})

/** `projectId` is that of the action: the same host looks different to different projects. */
export const eventView = (event: ActionEvent, projectId: string) => ({
  event: event.event,
  start_time: isoMicros(event.startAtMs),
  finish_time: event.finishAtMs === null ? null : isoMicros(event.finishAtMs),
  result: event.result,
  traceback: event.traceback,
  hostId: hostIdOf(projectId, event.host),
  host: event.host,
  details: event.details,
})
