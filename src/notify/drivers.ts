import type { Log } from '#base'
import type { Announcer } from '#bus'
import type { WaitingEvent } from '#store'
import type { Driver } from './courier.ts'
import { envelope } from './message.ts'
import type { Format } from './notices.ts'

/** Topics by format. */
export type Topics = Readonly<Record<Format, readonly string[]>>

/** `messagingv2`, or `messaging`, whose messages have no envelope. */
export function brokerDriver(announcer: Announcer, topics: Topics, hasEnvelope: boolean): Driver {
  return {
    send: async events => {
      const letters = events.flatMap((event, index) =>
        topics[event.format].map(topic => ({
          index,
          key: `${topic}.${event.priority.toLowerCase()}`,
          body: hasEnvelope ? envelope(event.message) : event.message,
        })),
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

/** Several at once: an event is done with when all of them have it; a slower one may get it again. */
export function severalDrivers(drivers: readonly Driver[]): Driver {
  const [only] = drivers
  if (drivers.length === 1 && only !== undefined) return only
  // What a driver is ahead of the slowest one: the newest that it has.
  const ahead = new Map<Driver, number>()
  return {
    send: async events => {
      let least = events.length
      for (const driver of drivers) {
        const known = ahead.get(driver) ?? 0
        const missing = events.filter(({ number }) => number > known)
        const had = events.length - missing.length
        const arrived: number = had + (missing.length === 0 ? 0 : await send(driver, missing))
        const last: WaitingEvent | undefined = events[arrived - 1]
        if (last !== undefined) ahead.set(driver, Math.max(known, last.number))
        least = Math.min(least, arrived)
      }
      return least
    },
    close: async () => {
      for (const driver of drivers) await driver.close()
    },
  }
}

/** One that cannot send holds up its own events only. */
const send = (driver: Driver, events: readonly WaitingEvent[]): Promise<number> => driver.send(events).catch(() => 0)
