import type { FaultRecord } from '#base'
import type { AuditPeriod, Flavor, Instance, RequestSpec, ServerGroup } from '#model'
import type { Service, Store } from '#store'
import type { Binary, EventType, PayloadOf } from '../events.ts'

/** What went wrong, and where in this program: the module and function of an ExceptionPayload. */
export interface Failure {
  readonly fault: FaultRecord
  readonly module: string
  readonly function: string
}

/** Who publishes, where it is not the event's usual binary on this host. */
export interface Publisher {
  readonly host?: string | null
  readonly binary?: Exclude<Binary, 'own'>
}

export interface AboutInstance extends Publisher {
  /** Read in the transaction where only its id is known; one that is gone altogether is not told of. */
  readonly instance: Instance | string
  /** Where it will be, as long as its record does not say so. */
  readonly zone?: string | null
  readonly failure?: Failure | undefined
}

export interface AggregateFacts {
  /** Null: it is still to be made. */
  readonly id: number | null
  readonly uuid: string
  readonly name: string
  readonly hosts: readonly string[] | null
  readonly metadata: Readonly<Record<string, string>> | null
}

export interface KeypairFacts {
  readonly userId: string
  readonly name: string
  readonly type: string
  readonly publicKey: string | null
  readonly fingerprint: string | null
}

export interface StateUpdate {
  readonly oldState: string | null
  readonly state: string | null
  readonly oldTaskState: string | null
  readonly newTaskState: string | null
}

export interface Metric {
  readonly name: string
  readonly value: number
  readonly source: string
  readonly timestampMs: number
}

export interface VolumeUsage {
  readonly volumeId: string
  readonly projectId: string | null
  readonly userId: string | null
  readonly instanceId: string | null
  readonly zone: string | null
  readonly refreshedMs: number | null
  readonly reads: number
  readonly readBytes: number
  readonly writes: number
  readonly writeBytes: number
}

/** What has to be said with an event, by its payload. */
export interface About {
  AggregatePayload: Publisher & {
    readonly aggregate: AggregateFacts
    /** The host that comes or goes; told without versions only. */
    readonly moved?: string
  }
  AggregateCachePayload: Publisher & {
    readonly aggregate: AggregateFacts & { readonly id: number }
    /** The host that has just been asked. */
    readonly asked: string
    readonly cached: readonly string[]
    readonly failed: readonly string[]
    readonly index: number
    readonly total: number
  }
  ExceptionPayload: Publisher & { readonly failure: Failure; readonly instanceId: string | null }
  ComputeTaskPayload: Publisher & {
    readonly instanceId: string
    /** Null: the one that is stored with the server. */
    readonly spec: RequestSpec | null
    readonly state: string | null
    readonly failure: Failure
  }
  /** Who has access is read in the transaction. */
  FlavorPayload: Publisher & { readonly flavor: Flavor }
  InstanceActionPayload: AboutInstance
  InstanceActionRebuildPayload: AboutInstance
  InstanceActionRescuePayload: AboutInstance & { readonly rescueImageId: string | null }
  InstanceActionResizePrepPayload: AboutInstance & { readonly newFlavor: Flavor | null }
  InstanceActionSharePayload: AboutInstance & { readonly shareId: string }
  InstanceActionSnapshotPayload: AboutInstance & { readonly imageId: string }
  InstanceActionVolumePayload: AboutInstance & { readonly volumeId: string }
  InstanceActionVolumeSwapPayload: AboutInstance & { readonly oldVolumeId: string; readonly newVolumeId: string }
  InstanceCreatePayload: AboutInstance
  /** Without a period: the one that is not over yet. */
  InstanceExistsPayload: AboutInstance & { readonly period?: AuditPeriod }
  InstanceUpdatePayload: AboutInstance & {
    /** None: the states are as they were. */
    readonly stateUpdate?: StateUpdate
    readonly oldDisplayName?: string | null
  }
  KeypairPayload: Publisher & { readonly keypair: KeypairFacts; readonly projectId: string | null }
  LibvirtErrorPayload: Publisher & { readonly ip: string; readonly failure: Failure }
  MetricsPayload: Publisher & {
    readonly hostIp: string
    readonly node: string
    readonly metrics: readonly Metric[]
  }
  RequestSpecPayload: Publisher & {
    readonly instanceId: string
    readonly spec: RequestSpec
    readonly count: number
  }
  ServerGroupPayload: Publisher & { readonly group: Omit<ServerGroup, 'number'> }
  ServiceStatusPayload: Publisher & { readonly service: Service }
  VolumeUsagePayload: Publisher & { readonly usage: VolumeUsage }
}

export type AboutOf<E extends EventType> = PayloadOf<E> extends infer P extends keyof About ? About[P] : never

/** In whose name something is done; all null for what nobody has asked for. */
export interface Initiator {
  readonly userId: string | null
  readonly projectId: string | null
  readonly requestId: string | null
}

/** The options that decide what payloads hold. */
export interface PayloadSettings {
  /** `[notifications] bdms_in_notifications`. */
  readonly hasDevices: boolean
  /** `[notifications] include_share_mapping`. */
  readonly hasShares: boolean
  /** `default_availability_zone`. */
  readonly defaultZone: string
  /** `instance_usage_audit_period`. */
  readonly auditPeriod: string
  /** What stands before an image's id in its address; told without versions only. */
  readonly imagesUrl: string
}

/** One event being described: what it may look at. */
export interface Desk {
  readonly tx: Store
  readonly initiator: Initiator
  readonly nowMs: number
  readonly settings: PayloadSettings
}
