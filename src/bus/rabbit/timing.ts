/** A call that no server takes in this time goes back to its caller. A server takes at once what it has room for. */
export const takenWithinMs = 5_000

/** How often a server says that it works on a call. */
export const beatMs = 5_000

/** So long, and what a call may wait for its server, nothing need be heard of it: four signs. */
export const silenceMs = 20_000

/** After the longest pause between two attempts to connect, and this time, every server is back at a broker that was away. */
export const welcomeBackMs = 25_000

/** RabbitMQ ends a channel whose consumer keeps a message for longer than 30 minutes; after this time we confirm that we have it. */
export const holdMessageMs = 600_000

/** The longest that the broker keeps a call, whatever its sender says. */
export const keepAtMostMs = 60_000

/** What was answered is remembered for callers that have lost their connection meanwhile. */
export const rememberMs = 60_000

/** A queue that nobody has served for so long goes. */
export const queueExpiresMs = 3_600_000

/** A server whose connection broke is back with its next one after this time. */
export const comeBackMs = 1_000

/** A queue that does not answer a consumer for so long is broken. */
export const consumeWithinMs = 8_000
