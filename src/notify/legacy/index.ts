/** Notifications as they were before they had versions; their names and payloads are those of Nova's. */
import type { About, AboutInstance, AboutOf, Desk } from '../build/about.ts'
import type { Described } from '../build/index.ts'
import { type EventType, events } from '../events.ts'
import { instanceUsage } from './instance.ts'
import { instanceEventName } from './names.ts'
import * as others from './others.ts'

export type { Unversioned } from './others.ts'

type Make<N extends keyof About> = (event: string, about: About[N]) => others.Unversioned | undefined

/** Payloads that are not about one server. Those that are missing have never been without versions. */
const makers: { readonly [N in keyof About]?: Make<N> } = {
  AggregatePayload: others.ofAggregate,
  ComputeTaskPayload: others.ofTask,
  ExceptionPayload: (_, about) => others.ofException(about),
  KeypairPayload: others.ofKeypair,
  LibvirtErrorPayload: (_, about) => others.ofLibvirt(about),
  MetricsPayload: (_, about) => others.ofMetrics(about),
  RequestSpecPayload: others.ofScheduler,
  ServerGroupPayload: others.ofGroup,
  VolumeUsagePayload: (_, about) => others.ofVolume(about),
}

/** Undefined: this event has none. */
export function unversioned<E extends EventType>(
  event: E,
  desk: Desk,
  about: AboutOf<E>,
  { facts }: Described,
): others.Unversioned | undefined {
  if (facts === undefined) {
    const make = makers[events[event].payload as keyof About] as Make<never> | undefined
    return make?.(event, about as never)
  }
  const eventType = instanceEventName(event)
  if (eventType === undefined) return undefined
  return { eventType, payload: instanceUsage(event, desk, facts, about as unknown as AboutInstance) }
}
