import { type Clock, Fault, isTransient, type Log } from '#base'
import type { OutboxEvent, Store } from '#store'
import type { About, AboutOf, Initiator, PayloadSettings, Publisher } from './build/about.ts'
import { type Described, described } from './build/index.ts'
import { type EventDeclaration, type EventType, events } from './events.ts'
import { initiator, inTheNameOf } from './initiator.ts'
import { unversioned } from './legacy/index.ts'
import { message } from './message.ts'

export type Format = 'versioned' | 'unversioned'

/** `[notifications] notify_on_state_change`; null: changes of state are not told. */
export type StateChanges = 'vm_state' | 'vm_and_task_state' | null

/** What others are told, written in the transaction that makes it true. */
export interface Notices {
  /** Somebody wants them. Where nobody does, telling costs nothing and writes nothing. */
  readonly isOn: boolean
  readonly stateChanges: StateChanges
  tell<E extends EventType>(tx: Store, event: E, about: AboutOf<E>): Promise<void>
  /** Whatever `work` tells was asked for by that one. */
  as<T>(who: Initiator, work: () => T): T
  /** For changes of one statement: in a transaction with what they tell, where somebody is to be told. */
  together<T>(store: Store, work: (tx: Store) => Promise<T>): Promise<T>
}

export const noNotices: Notices = {
  isOn: false,
  stateChanges: null,
  tell: async () => undefined,
  as: (_who, work) => work(),
  together: (store, work) => work(store),
}

export interface NoticesOptions {
  readonly formats: ReadonlySet<Format>
  readonly stateChanges: StateChanges
  /** Of this process: `host`. */
  readonly host: string
  readonly settings: PayloadSettings
  readonly clock: Clock
  readonly log: Log
  /** Called after events were written; their transaction may be on its way still. */
  readonly onWritten?: () => void
}

const publisherOf = (declared: EventDeclaration, said: Publisher, found: Described, own: string): string => {
  const data = found.payload['nova_object.data']
  const binary = said.binary ?? (declared.binary === 'own' ? String(data['binary']) : declared.binary)
  const isOfHost = binary === 'nova-compute' || declared.binary === 'own'
  return `${binary}:${said.host ?? (isOfHost ? found.host : null) ?? own}`
}

export function createNotices(options: NoticesOptions): Notices {
  const { formats, stateChanges, host, settings, clock, log, onWritten } = options
  const tell = async <E extends EventType>(tx: Store, event: E, about: AboutOf<E>): Promise<void> => {
    const declared = events[event]
    const who = initiator()
    const nowMs = clock.now()
    const desk = { tx, initiator: who, nowMs, settings }
    const found = await described(declared.payload as keyof About, desk, about as never).catch((error: unknown) => {
      // What cannot be described is not told: an operation does not fail over it. Only the database's word counts.
      if (!(error instanceof TypeError || error instanceof Fault) || isTransient(error)) throw error
      log.error({ event_type: event, err: error }, 'notification could not be described')
      return undefined
    })
    if (found === undefined) return
    const { instanceId, projectId } = found
    const publisherId = publisherOf(declared, about as Publisher, found, host)
    const row = (format: Format, eventType: string, priority: string, payload: unknown, by = publisherId) => ({
      format,
      eventType,
      priority,
      instanceId,
      projectId,
      createdAtMs: nowMs,
      message: message({ eventType, priority, publisherId: by, payload, initiator: who, nowMs }),
    })
    const rows: OutboxEvent[] = []
    if (formats.has('unversioned')) {
      const old = unversioned(event, desk, about as never, found)
      if (old !== undefined) {
        // `compute.host`, where versions have `nova-compute:host`.
        const [binary = '', at = ''] = publisherId.split(/:(.*)/s)
        const by = `${old.service ?? binary.replace(/^nova-/, '')}.${old.host ?? at}`
        rows.push(row('unversioned', old.eventType, declared.priority, old.payload, by))
      }
    }
    if (formats.has('versioned')) rows.push(row('versioned', event, declared.priority, found.payload))
    await tx.outbox.add(rows)
    log.debug({ event_type: event, instance_id: instanceId }, 'notification written')
    onWritten?.()
  }
  return {
    isOn: true,
    stateChanges,
    tell,
    as: inTheNameOf,
    together: (store, work) => store.transaction(work),
  }
}
