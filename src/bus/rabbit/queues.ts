/** The queues of one served name, from their declaration to their end. */
import type { Channel, ConsumeMessage, GetMessage } from 'amqplib'
import { type Clock, type Log, within } from '#base'
import type { Contract } from '../contract.ts'
import { anyServer, type Names } from './names.ts'
import type { Session } from './session.ts'
import { consumeWithinMs, keepAtMostMs, queueExpiresMs } from './timing.ts'

interface Served {
  readonly names: Names
  readonly contract: Contract
  readonly server: string
}

/** Its own, and that of all servers of its topic. */
export function queuesOf({ names, contract: { topic, isServedByHosts }, server }: Served): readonly string[] {
  const own = names.queue(topic, server)
  return isServedByHosts === true ? [own] : [own, names.queue(topic)]
}

export async function declareQueues(channel: Channel, served: Served): Promise<void> {
  const { names, contract } = served
  for (const queue of queuesOf(served)) {
    await channel.assertQueue(queue, {
      durable: true,
      deadLetterExchange: names.replies,
      arguments: {
        'x-queue-type': 'quorum',
        'x-expires': queueExpiresMs,
        // Whoever sends without a time of its own, or more than anybody can carry out, is stopped here.
        'x-message-ttl': keepAtMostMs,
        'x-max-length': 100_000,
        'x-overflow': 'reject-publish',
      },
    })
  }
  if (contract.isServedByHosts === true) return
  const exchange = names.exchange(contract.topic)
  await channel.assertExchange(exchange, 'direct', { durable: true })
  await channel.bindQueue(names.queue(contract.topic), exchange, anyServer)
}

/**
 * Returns the consumer's tag. A broker that is killed within half a second after a quorum queue was made (seen with 3.10) has the
 * queue afterwards, and never lets anybody consume from it. What is in it are calls of the last minute, whose callers send
 * them again.
 */
export async function consume(
  session: Session,
  channel: Channel,
  queue: string,
  take: (message: ConsumeMessage | null) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<string> {
  const answer = await within(consumeWithinMs, channel.consume(queue, take), clock)
  if (answer !== undefined) return answer.consumerTag
  log.error({ queue }, 'the broker does not let this queue be read; it is made anew')
  await session.deleteQueue(queue)
  throw new Error(`${queue} cannot be read`)
}

/** Unless others serve it, so that callers learn of it at once. What still lies there is given back. */
export async function removeUnlessServed(
  session: Session,
  channel: Channel,
  queue: string,
  giveBack: (message: GetMessage) => Promise<void>,
): Promise<void> {
  if ((await session.consumers(queue)) !== 0) return
  for (let left = await channel.get(queue); left !== false; left = await channel.get(queue)) await giveBack(left)
  await channel.deleteQueue(queue)
}
