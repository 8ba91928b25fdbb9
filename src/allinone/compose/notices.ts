import { newUuid } from '#base'
import { Announcer, type AnnouncerOptions, type Bus, RabbitBus, TransportUnusable } from '#bus'
import type { Config } from '#config'
import {
  brokerDriver,
  Courier,
  createNotices,
  type Driver,
  type Format,
  logDriver,
  type Notices,
  noNotices,
  severalDrivers,
} from '#notify'
import { rabbitOptions } from './bus.ts'
import type { Shared, WithStore } from './shared.ts'

const formats: Readonly<Record<Config['notifications']['notification_format'], readonly Format[]>> = {
  versioned: ['versioned'],
  unversioned: ['unversioned'],
  both: ['unversioned', 'versioned'],
}

/** Names of oslo.messaging's drivers by which nothing leaves. */
const silent = ['', 'noop']

/** Those by which notifications leave. */
const driversOf = (config: Config): readonly string[] =>
  config.oslo_messaging_notifications.driver.filter(name => !silent.includes(name))

/** As far as the configuration tells where images are; otherwise only their ids are told. */
function imagesUrl({ glance }: Config): string {
  const base = glance.endpoint_override ?? glance.api_servers[0]
  return base === undefined ? '' : `${base.replace(/\/+$/, '')}/images/`
}

/**
 * What a service tells with. Where the configuration names no driver by which it would leave, nothing is told at all.
 */
export function noticesFromConfig(
  { config, clock, log }: Pick<Shared, 'config' | 'clock' | 'log'>,
  onWritten: () => void = () => undefined,
): Notices {
  if (driversOf(config).length === 0) return noNotices
  const { notifications } = config
  return createNotices({
    formats: new Set(formats[notifications.notification_format]),
    stateChanges: notifications.notify_on_state_change,
    host: config.DEFAULT.host,
    settings: {
      hasDevices: notifications.bdms_in_notifications,
      hasShares: notifications.include_share_mapping,
      defaultZone: config.DEFAULT.default_availability_zone,
      auditPeriod: config.DEFAULT.instance_usage_audit_period,
      imagesUrl: imagesUrl(config),
    },
    clock,
    log,
    onWritten,
  })
}

function announcerOf({ config, log, clock, bus }: Shared): Announcer {
  const { oslo_messaging_rabbit: rabbit, oslo_messaging_notifications: own } = config
  const options: AnnouncerOptions = {
    exchange: config.DEFAULT.control_exchange,
    isDurable: rabbit.amqp_durable_queues,
    isQuorum: rabbit.rabbit_quorum_queue,
  }
  const { transport_url: url } = own
  if (url !== null && url !== config.DEFAULT.transport_url)
    return Announcer.open(url, { log, clock, rabbit: rabbitOptions(config) }, options)
  if (bus instanceof RabbitBus) return bus.announcer(options)
  throw TransportUnusable({
    reason:
      '[oslo_messaging_notifications] driver needs a broker, and the services have none: transport_url of that section names one, as in rabbit://user:password@host:5672/.',
  })
}

function driverFor(name: string, shared: Shared): Driver | undefined {
  const { config, log } = shared
  const topics = {
    versioned: config.notifications.versioned_notifications_topics,
    unversioned: config.oslo_messaging_notifications.topics,
  }
  switch (name) {
    case 'messagingv2':
    case 'messaging':
      return brokerDriver(announcerOf(shared), topics, name === 'messagingv2')
    case 'log':
      return logDriver(log)
    default:
      log.warn({ driver: name }, 'unknown driver in [oslo_messaging_notifications] ignored')
      return undefined
  }
}

/** What takes notifications to whoever listens; undefined where there are none. */
export function courierFromConfig(shared: WithStore & { readonly bus: Bus }): Courier | undefined {
  const { config, store, clock, log } = shared
  const drivers = driversOf(config).flatMap(name => driverFor(name, shared) ?? [])
  if (drivers.length === 0) return undefined
  return new Courier({
    store,
    driver: severalDrivers(drivers, log),
    clock,
    log,
    owner: `${config.DEFAULT.host}:${process.pid}:${newUuid()}`,
    mostWaiting: config.notifications.outbox_limit,
    retries: config.oslo_messaging_notifications.retry,
  })
}
