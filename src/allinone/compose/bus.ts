import type { Log } from '#base'
import { openBus, type RabbitOptions, type RemoteBus } from '#bus'
import type { Config } from '#config'
import { secondsOf } from './shared.ts'

export const rabbitOptions = ({ oslo_messaging_rabbit: rabbit }: Config): RabbitOptions => ({
  heartbeatSeconds: rabbit.heartbeat_timeout_threshold,
  retry: {
    firstMs: secondsOf(rabbit.rabbit_retry_interval),
    stepMs: secondsOf(rabbit.rabbit_retry_backoff),
    mostMs: secondsOf(rabbit.rabbit_interval_max),
  },
  isTls: rabbit.ssl,
  tls: {
    caFile: rabbit.ssl_ca_file,
    certFile: rabbit.ssl_cert_file,
    keyFile: rabbit.ssl_key_file,
    checksHostname: rabbit.ssl_enforce_hostname_verification,
  },
})

interface BusPlace {
  readonly config: Config
  readonly log: Log
}

/** The bus at an address in the form of `transport_url`; everything else as nova.conf has it. */
export const busAt = (transportUrl: string, { config, log }: BusPlace): RemoteBus =>
  openBus(transportUrl, { log, prefix: config.DEFAULT.control_exchange, rabbit: rabbitOptions(config) })

/** The bus between the services, as nova.conf has it. */
export const busFromConfig = (place: BusPlace): RemoteBus => busAt(place.config.DEFAULT.transport_url, place)
