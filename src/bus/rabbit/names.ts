import { randomBytes } from 'node:crypto'
import type { Contract } from '../contract.ts'

/** A topic, or one server of it. */
export interface Target {
  readonly contract: Contract
  readonly server: string | undefined
}

/**
 * What is called how at the broker, `control_exchange` before everything. The names are made for permissions, which
 * RabbitMQ grants by exchange and queue, never by binding:
 *
 * - A call to a server by name goes through the default exchange, to the queue of that name. Only the control plane may
 *   write there, so nobody binds a queue to anybody else's name.
 * - A call to any server of a topic goes to the topic's exchange. A host may write to the conductor's, and to no other.
 * - Whoever calls has a queue for answers, which ends with its connection. Hosts answer through the exchange `replies`, to which
 *   the control plane binds its queues; a host may write to it and not read from it. The control plane answers hosts through
 *   the default exchange.
 * - What nobody has taken in time the broker sends to `replies` as well, so that the caller learns of it at once.
 */
export interface Names {
  readonly replies: string
  exchange(topic: string): string
  /** Of all servers of a topic, or of one. */
  queue(topic: string, server?: string): string
  /** For answers; `lifeId` is one connection's. */
  replyQueue(user: string, lifeId: string): string
  /** Whether a user could have made this queue for answers. */
  isReplyQueueOf(user: string, queue: string): boolean
}

/** One connection's. */
export const newLifeId = (): string => randomBytes(8).toString('hex')
export const lifeIdPattern = '[0-9a-f]{16}'
const isLifeId = (text: string): boolean => new RegExp(`^${lifeIdPattern}$`).test(text)

export const names = (prefix: string): Names => ({
  replies: `${prefix}.replies`,
  exchange: topic => `${prefix}.${topic}`,
  queue: (topic, server) => (server === undefined ? `${prefix}.${topic}` : `${prefix}.${topic}.${server}`),
  replyQueue: (user, lifeId) => `${prefix}.reply.${user}.${lifeId}`,
  // Exactly: the user of a host `a` has nothing to do with the queues of a host `a.b`.
  isReplyQueueOf: (user, queue) =>
    queue.startsWith(`${prefix}.reply.${user}.`) && isLifeId(queue.slice(`${prefix}.reply.${user}.`.length)),
})

/** With which the calls to any server of a topic are sent to its exchange. */
export const anyServer = 'any'

/** With which answers are sent to `replies`. Never the name of a queue: the default exchange must not know it. */
export const replyKey = (replyQueue: string): string => `to:${replyQueue}`

const hostPrefix = 'compute.'

/** The broker user of a hypervisor host. Every other user belongs to the control plane. */
export const userOfHost = (host: string): string => `${hostPrefix}${host}`

export const hostOfUser = (user: string): string | undefined =>
  user.startsWith(hostPrefix) ? user.slice(hostPrefix.length) : undefined
