import { bool, int, str } from '../option.ts'

export const rabbitSection = {
  heartbeat_timeout_threshold: int(60, 'Seconds without heartbeat after which a broker is gone; 0 off.', { min: 0 }),
  rabbit_retry_interval: int(1, 'Seconds between the first attempts to connect.', { min: 0 }),
  rabbit_retry_backoff: int(2, 'Seconds by which that grows with each attempt.', { min: 0 }),
  rabbit_interval_max: int(
    5,
    'Most seconds between two attempts; when a broker was away, calls wait so long for their servers.',
    {
      min: 1,
    },
  ),
  ssl: bool(false, 'Speak TLS to the broker.', { deprecated: ['oslo_messaging_rabbit.rabbit_use_ssl'] }),
  ssl_ca_file: str('', "Certificates that the broker's must come from; none: any is taken.", {
    deprecated: ['oslo_messaging_rabbit.kombu_ssl_ca_certs'],
  }),
  ssl_cert_file: str('', 'Certificate of this service.', { deprecated: ['oslo_messaging_rabbit.kombu_ssl_certfile'] }),
  ssl_key_file: str('', 'Its key.', { deprecated: ['oslo_messaging_rabbit.kombu_ssl_keyfile'] }),
  ssl_enforce_hostname_verification: bool(false, "The broker's certificate must name its host."),
  // Notifications follow what their readers declare, or the broker would refuse one of them.
  rabbit_quorum_queue: bool(
    false,
    'Queues of notifications are quorum queues, as their readers must be told. Those of calls always are.',
  ),
  rabbit_ha_queues: bool(
    false,
    'No effect: queues of calls are quorum queues, which RabbitMQ keeps on several brokers.',
  ),
  amqp_durable_queues: bool(
    false,
    'Exchange and queues of notifications survive the broker, as their readers must be told. Those of calls always do.',
  ),
} as const
