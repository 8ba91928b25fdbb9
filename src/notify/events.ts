import type { PayloadName } from './payloads/index.ts'

/** Who says that it publishes. */
export type Binary = 'nova-api' | 'nova-compute' | 'nova-conductor' | 'nova-scheduler' | 'own'

export type Phase = 'start' | 'end' | 'error' | 'progress'

interface Group {
  readonly payload: PayloadName
  /** `own`: the binary of the service that it is about. */
  readonly binary: Binary
  /** Actions with the phases they have; none: one without a phase. */
  readonly actions: Readonly<Record<string, readonly Phase[]>>
}

const whole = ['start', 'end'] as const
const fallible = ['start', 'end', 'error'] as const

const group = <const P extends PayloadName, const A extends Group['actions']>(payload: P, binary: Binary, actions: A) =>
  ({ payload, binary, actions }) as const

/** The types of notifications, grouped by what they carry: facts of Nova's master of August 2026. */
const groups = [
  group('AggregatePayload', 'nova-api', {
    'aggregate.add_host': whole,
    'aggregate.cache_images': whole,
    'aggregate.create': whole,
    'aggregate.delete': whole,
    'aggregate.remove_host': whole,
    'aggregate.update_metadata': whole,
    'aggregate.update_prop': whole,
  }),
  group('AggregateCachePayload', 'nova-conductor', { 'aggregate.cache_images': ['progress'] }),
  group('ExceptionPayload', 'nova-compute', { 'compute.exception': [] }),
  group('ComputeTaskPayload', 'nova-conductor', {
    'compute_task.build_instances': ['error'],
    'compute_task.migrate_server': ['error'],
    'compute_task.rebuild_server': ['error'],
  }),
  group('FlavorPayload', 'nova-api', { 'flavor.create': [], 'flavor.delete': [], 'flavor.update': [] }),
  group('InstanceCreatePayload', 'nova-compute', { 'instance.create': fallible }),
  group('InstanceExistsPayload', 'nova-compute', { 'instance.exists': [] }),
  group('InstanceUpdatePayload', 'nova-compute', { 'instance.update': [] }),
  group('InstanceActionPayload', 'nova-api', { 'instance.evacuate': [], 'instance.lock': [], 'instance.unlock': [] }),
  group('InstanceActionPayload', 'nova-compute', {
    'instance.delete': whole,
    'instance.interface_attach': fallible,
    'instance.interface_detach': whole,
    'instance.live_migration_abort': whole,
    'instance.live_migration_force_complete': whole,
    'instance.live_migration_post': whole,
    'instance.live_migration_post_dest': whole,
    'instance.live_migration_pre': whole,
    'instance.live_migration_rollback': whole,
    'instance.live_migration_rollback_dest': whole,
    'instance.pause': whole,
    'instance.power_off': whole,
    'instance.power_on': whole,
    'instance.reboot': fallible,
    'instance.resize': fallible,
    'instance.resize_confirm': whole,
    'instance.resize_finish': whole,
    'instance.resize_revert': whole,
    'instance.restore': whole,
    'instance.resume': whole,
    'instance.shelve': whole,
    'instance.shelve_offload': whole,
    'instance.shutdown': whole,
    'instance.soft_delete': whole,
    'instance.suspend': whole,
    'instance.trigger_crash_dump': whole,
    'instance.unpause': whole,
    'instance.unrescue': whole,
    'instance.unshelve': whole,
  }),
  group('InstanceActionRebuildPayload', 'nova-compute', { 'instance.rebuild': fallible }),
  group('InstanceActionRebuildPayload', 'nova-conductor', { 'instance.rebuild_scheduled': [] }),
  group('InstanceActionRescuePayload', 'nova-compute', { 'instance.rescue': whole }),
  group('InstanceActionResizePrepPayload', 'nova-compute', { 'instance.resize_prep': whole }),
  // Sent by a host, and signed as the API, in the original too.
  group('InstanceActionSharePayload', 'nova-api', {
    'instance.share_attach': fallible,
    'instance.share_detach': fallible,
  }),
  group('InstanceActionSnapshotPayload', 'nova-compute', { 'instance.snapshot': whole }),
  group('InstanceActionVolumePayload', 'nova-compute', {
    'instance.volume_attach': fallible,
    'instance.volume_detach': whole,
  }),
  group('InstanceActionVolumeSwapPayload', 'nova-compute', { 'instance.volume_swap': fallible }),
  group('KeypairPayload', 'nova-api', {
    'keypair.create': whole,
    'keypair.delete': whole,
    'keypair.import': whole,
  }),
  group('LibvirtErrorPayload', 'nova-compute', { 'libvirt.connect': ['error'] }),
  group('MetricsPayload', 'nova-compute', { 'metrics.update': [] }),
  group('RequestSpecPayload', 'nova-scheduler', { 'scheduler.select_destinations': whole }),
  group('ServerGroupPayload', 'nova-api', {
    'server_group.add_member': [],
    'server_group.create': [],
    'server_group.delete': [],
  }),
  group('ServiceStatusPayload', 'own', { 'service.create': [], 'service.delete': [], 'service.update': [] }),
  group('VolumeUsagePayload', 'nova-compute', { 'volume.usage': [] }),
] as const

type Groups = (typeof groups)[number]
type EventsIn<A> = {
  [Action in keyof A & string]: A[Action] extends readonly []
    ? Action
    : A[Action] extends readonly (infer P extends string)[]
      ? `${Action}.${P}`
      : never
}[keyof A & string]
type EventsOf<G> = G extends { readonly actions: infer A } ? EventsIn<A> : never

/** `object.action` or `object.action.phase`. */
export type EventType = EventsOf<Groups>
/** The name of an event's payload. */
export type PayloadOf<E extends EventType> = {
  [G in Groups as EventsOf<G>]: G['payload']
}[E]

export interface EventDeclaration {
  readonly payload: PayloadName
  readonly binary: Binary
  readonly priority: 'INFO' | 'ERROR'
}

const isError = (name: string): boolean => name.endsWith('.error') || name === 'compute.exception'

/** Every type of notification. */
export const events = Object.fromEntries(
  groups.flatMap(({ payload, binary, actions }) =>
    Object.entries<readonly Phase[]>(actions).flatMap(([action, phases]) =>
      (phases.length === 0 ? [action] : phases.map(phase => `${action}.${phase}`)).map(name => [
        name,
        { payload, binary, priority: isError(name) ? 'ERROR' : 'INFO' },
      ]),
    ),
  ),
) as Readonly<Record<EventType, EventDeclaration>>
