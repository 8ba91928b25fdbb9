import type { Message, Options } from 'amqplib'
import { type FaultRecord, fromJson } from '#base'
import type { CallContext } from '../contract.ts'

/**
 * What travels: a call, its answer, and now and then a sign that it is being worked on. The kind is AMQP's `type`, a call's id
 * its `message_id`, which an answer carries as `correlation_id`. `user_id` is on everything: the broker vouches for it.
 */
export type AnswerKind = 'result' | 'fault' | 'gone' | 'alive'

export interface IncomingCall {
  readonly id: string
  readonly user: string
  readonly replyQueue: string
  readonly method: string
  readonly context: CallContext
  /** Throws when it is no JSON. */
  readonly args: () => unknown
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Undefined: not a call as we send them. */
export function readCall({ properties, content }: Message): IncomingCall | undefined {
  const { messageId, replyTo, userId, headers = {}, type } = properties
  const [id, replyQueue, user, method] = [text(messageId), text(replyTo), text(userId), text(headers['method'])]
  if (type !== 'call' || id === undefined || replyQueue === undefined || user === undefined || method === undefined) {
    return undefined
  }
  const [key, requestId] = [text(headers['key']), text(headers['request_id'])]
  return {
    id,
    user,
    replyQueue,
    method,
    context: { ...(key === undefined ? {} : { key }), ...(requestId === undefined ? {} : { requestId }) },
    args: () => fromJson(content.toString()),
  }
}

/** Of everything we send. */
const common = { contentType: 'application/json', contentEncoding: 'utf-8' } as const

export const callProperties = (call: {
  readonly id: string
  readonly user: string
  readonly replyQueue: string
  /** Where the broker sends it when nobody has taken it. */
  readonly undeliveredKey: string
  readonly method: string
  readonly context: CallContext
  readonly takenWithinMs: number
}): Options.Publish => ({
  ...common,
  type: 'call',
  messageId: call.id,
  userId: call.user,
  replyTo: call.replyQueue,
  persistent: true,
  expiration: String(call.takenWithinMs),
  CC: [call.undeliveredKey],
  headers: {
    method: call.method,
    ...(call.context.key === undefined ? {} : { key: call.context.key }),
    ...(call.context.requestId === undefined ? {} : { request_id: call.context.requestId }),
  },
})

export const answerProperties = (kind: AnswerKind, user: string, callId?: string): Options.Publish => ({
  ...common,
  type: kind,
  userId: user,
  ...(callId === undefined ? {} : { correlationId: callId }),
})

export type Incoming =
  | { readonly kind: 'result'; readonly id: string; readonly user: string; readonly result: () => unknown }
  | { readonly kind: 'fault'; readonly id: string; readonly user: string; readonly fault: () => FaultRecord }
  | { readonly kind: 'gone'; readonly id: string; readonly user: string }
  | { readonly kind: 'alive'; readonly user: string; readonly ids: () => readonly string[] }
  /** A call of our own that nobody has taken. */
  | { readonly kind: 'undelivered'; readonly id: string; readonly user: string }

/** What has come to the queue for answers; undefined: nothing of ours. */
export function readAnswer({ properties, content }: Message): Incoming | undefined {
  const { messageId, correlationId, userId, type } = properties
  const user = text(userId)
  if (user === undefined) return undefined
  if (type === 'alive') return { kind: type, user, ids: () => fromJson(content.toString()) }
  if (type === 'call') {
    const id = text(messageId)
    return id === undefined ? undefined : { kind: 'undelivered', id, user }
  }
  const id = text(correlationId)
  if (id === undefined) return undefined
  if (type === 'result') return { kind: type, id, user, result: () => fromJson(content.toString()) }
  if (type === 'fault') return { kind: type, id, user, fault: () => fromJson(content.toString()) }
  return type === 'gone' ? { kind: type, id, user } : undefined
}
