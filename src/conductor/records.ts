import { type FaultRecord, instanceId } from '#base'
import type { ServerTask } from '#bus'
import type { Store } from '#store'

/** Faults of the user's own making keep their status; everything else is an internal error to him, as in Nova. */
const faultCode = (failure: FaultRecord): number =>
  failure.status >= 400 && failure.status < 500 ? failure.status : 500

/** What went wrong goes to the server's fault: message cut by the store, the whole story in the details. */
export const recordFault = (
  tx: Store,
  nowMs: number,
  task: ServerTask,
  failure: FaultRecord,
  host: string | null,
): Promise<void> =>
  tx.faults.add({
    instanceId: instanceId(task.instanceId),
    code: faultCode(failure),
    message: failure.message,
    details: [failure.message, failure.detail].filter(text => text !== undefined && text !== '').join('\n'),
    host,
    createdAtMs: nowMs,
  })

export const startEvent = (
  store: Store,
  nowMs: number,
  task: ServerTask,
  event: string,
  host: string | null,
): Promise<void> =>
  store.actions.startEvent({ instanceId: task.instanceId, requestId: task.requestId, event, host, nowMs })

/** Ends the event; with a failure the action shows `Error`. */
export const finishEvent = (
  tx: Store,
  nowMs: number,
  task: ServerTask,
  event: string,
  failure?: FaultRecord,
): Promise<void> =>
  tx.actions.finishEvent({
    instanceId: task.instanceId,
    requestId: task.requestId,
    event,
    nowMs,
    ...(failure === undefined
      ? {}
      : { failure: { details: failure.message, traceback: failure.detail ?? failure.message } }),
  })
