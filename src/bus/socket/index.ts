/** A bus for the services of one machine over unix sockets; called through #bus like every adapter. */
export { TransportUnusable } from './faults.ts'
export { openBus } from './open.ts'
export { SocketBus, type SocketBusOptions } from './socket-bus.ts'
