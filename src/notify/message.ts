import { createHash } from 'node:crypto'
import { fromJson, newUuid } from '#base'
import type { Initiator } from './build/about.ts'
import { pythonTime } from './build/times.ts'

export interface Said {
  readonly eventType: string
  readonly priority: string
  /** `nova-compute:host`. */
  readonly publisherId: string
  readonly payload: unknown
  readonly initiator: Initiator
  readonly nowMs: number
}

/**
 * A message as oslo.messaging's notifiers make it. `_unique_id` stays the same however often it is sent, and listeners know
 * by it what they have had. The token of whoever asked is not in it.
 */
export const message = ({ eventType, priority, publisherId, payload, initiator, nowMs }: Said): string =>
  JSON.stringify({
    message_id: newUuid(),
    publisher_id: publisherId,
    event_type: eventType,
    priority,
    payload,
    timestamp: pythonTime(nowMs),
    _unique_id: newUuid().replaceAll('-', ''),
    _context_request_id: initiator.requestId,
    _context_user: initiator.userId,
    _context_user_id: initiator.userId,
    _context_tenant: initiator.projectId,
    _context_project_id: initiator.projectId,
    _context_timestamp: new Date(nowMs).toISOString().replace('Z', '000'),
  })

/**
 * The message as it is sent under one of several topics. A listener of two of them must hear it twice, as from oslo.messaging, and
 * throws away what has an id that it knows.
 */
export function underTopic(message: string, topic: string): string {
  const said = fromJson<{ _unique_id: string }>(message)
  const id = createHash('sha256').update(`${said._unique_id} ${topic}`).digest('hex').slice(0, 32)
  return JSON.stringify({ ...said, _unique_id: id })
}

/** Version 2.0 of oslo.messaging's envelope. */
export const envelope = (inner: string): string => JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': inner })
