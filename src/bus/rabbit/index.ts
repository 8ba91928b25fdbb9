/** A bus for the services of many machines over RabbitMQ; called through #bus like every adapter. */
export { type Announcement, Announcer, type AnnouncerOptions } from './announcer.ts'
export { type BrokerAccount, brokerDefinitions, type HostAccount } from './definitions.ts'
export { RabbitBus, type RabbitBusOptions } from './rabbit-bus.ts'
export { type RabbitOptions, rabbitDefaults } from './settings.ts'
