/** A bus for the services of one machine over unix sockets; called through #bus like every adapter. */
export { SocketBus, type SocketBusOptions } from './socket-bus.ts'
