/** A cloud whose notifications go to a real RabbitMQ, and a listener of Debian's oslo.messaging. */
import type { LoadOptions } from '#config'
import { type ApiCloud, type CloudOptions, startCloud } from '../api/harness.ts'
import { Broker } from '../rabbit/broker.ts'
import { Listener } from './listener.ts'

export interface HeardCloud {
  readonly broker: Broker
  readonly listener: Listener
  readonly cloud: ApiCloud
  close(): Promise<void>
}

export const topics = { versioned: 'versioned_notifications', unversioned: 'notifications' } as const

type Section = NonNullable<NonNullable<LoadOptions['overrides']>['notifications']>

export async function startHeardCloud(notifications: Section, options: CloudOptions = {}): Promise<HeardCloud> {
  const broker = await Broker.start()
  let listener: Listener | undefined
  let cloud: ApiCloud | undefined
  const close = async () => {
    await cloud?.close()
    listener?.close()
    await broker.close()
  }
  try {
    listener = await Listener.start(broker.url(), ...Object.values(topics))
    const messaging = { driver: ['messagingv2'], transport_url: broker.url() }
    const config = { ...options.config, notifications, oslo_messaging_notifications: messaging }
    cloud = await startCloud({ ...options, config })
    return { broker, listener, cloud, close }
  } catch (error) {
    await close()
    throw error
  }
}
