import type { Log } from '#base'
import type { Announcer } from '#bus'
import type { WaitingEvent } from '#store'
import type { Driver } from './courier.ts'
import { envelope, underTopic } from './message.ts'
import type { Format } from './notices.ts'

/** Topics by format. */
export type Topics = Readonly<Record<Format, readonly string[]>>

/** `messagingv2`, or `messaging`, whose messages have no envelope. */
export function brokerDriver(announcer: Announcer, topics: Topics, hasEnvelope: boolean): Driver {
  return {
    send: async events => {
      const letters = events.flatMap((event, index) =>
        topics[event.format].map((topic, place) => {
          const message = place === 0 ? event.message : underTopic(event.message, topic)
          const key = `${topic}.${event.priority.toLowerCase()}`
          return { index, key, body: hasEnvelope ? envelope(message) : message }
        }),
      )
      const arrived = await announcer.send(letters)
      // An event has arrived when it has under all of its topics.
      return letters[arrived]?.index ?? events.length
    },
    close: () => announcer.close(),
  }
}

/** `log`: a line for each. */
export function logDriver(log: Log): Driver {
  return {
    send: async events => {
      for (const { eventType, priority, message } of events)
        log.info({ event_type: eventType, priority, notification: JSON.parse(message) as unknown }, 'notification')
      return events.length
    },
    close: async () => undefined,
  }
}

/**
 * Several at once: an event is done with when all of them have it, so one that cannot send holds up the others' memory, not
 * their events. After a restart a faster one may get again what the slowest had not.
 */
export function severalDrivers(drivers: readonly Driver[], log: Log): Driver {
  const [only] = drivers
  if (drivers.length === 1 && only !== undefined) return only
  // By number, and not up to a number: of two transactions at a time the one with the lower may commit later.
  const had = new Map(drivers.map(driver => [driver, new Set<number>()] as const))
  return {
    send: async events => {
      const waiting = new Set(events.map(({ number }) => number))
      for (const [driver, known] of had) {
        for (const number of known) if (!waiting.has(number)) known.delete(number)
        const missing = events.filter(({ number }) => !known.has(number))
        const arrived = missing.length === 0 ? 0 : await attempt(driver, missing, log)
        for (const { number } of missing.slice(0, arrived)) known.add(number)
      }
      const undone = events.findIndex(({ number }) => [...had.values()].some(known => !known.has(number)))
      return undone === -1 ? events.length : undone
    },
    close: async () => {
      for (const driver of drivers) await driver.close()
    },
  }
}

const attempt = (driver: Driver, events: readonly WaitingEvent[], log: Log): Promise<number> =>
  driver.send(events).catch((error: unknown) => {
    log.debug({ err: error }, 'one of the drivers cannot send notifications now')
    return 0
  })
