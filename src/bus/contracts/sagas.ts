import type { Instance, InstanceImage, PciRequest, RequestedPort, RequestSpec } from '#model'
import type { ServerTask } from './server-task.ts'
import type { VolumeSagaInputs } from './volume-sagas.ts'

/**
 * The sagas that the API may ask for, by name, with what each is told. The API writes the row, the conductor runs it;
 * like a message it must stay readable for the next release.
 */
export interface SagaInputs extends VolumeSagaInputs {
  'server-build': ServerBuild
  'reservation-place': ReservationPlace
  'host-fence': HostFence
  'server-delete': ServerTask
  'server-start': ServerTask
  'server-stop': ServerTask
  'server-reboot': ServerTask & { readonly kind: 'soft' | 'hard' }
  'server-pause': ServerTask
  'server-unpause': ServerTask
  'server-suspend': ServerTask
  'server-resume': ServerTask
  'server-rescue': ServerTask & { readonly image: InstanceImage }
  'server-unrescue': ServerTask
  'server-rebuild': ServerRebuild
  'server-set-password': ServerTask
  'server-crash-dump': ServerTask
  /** `mappingId`: of the share in the server's record; `shareId` for whoever is told. */
  'share-attach': ServerTask & { readonly mappingId: string; readonly shareId?: string }
  'share-detach': ServerTask & { readonly mappingId: string; readonly shareId?: string }
  'server-soft-delete': ServerTask
  'server-restore': ServerTask
  /** Nobody asks for it: an audit has found that placement and the record disagree. */
  'allocation-heal': ServerTask
  'interface-attach': ServerTask & {
    readonly network: RequestedNetwork
    readonly zone: string
    /** What the port wants of the host: a card's function, bandwidth; nothing of one that is still to be made. */
    readonly cards?: readonly PciRequest[]
    readonly ports?: readonly RequestedPort[]
  }
  'interface-detach': ServerTask & { readonly portId: string }
  /** The image's record is made; the saga fills it. */
  'server-snapshot': ServerTask & { readonly imageId: string }
  'server-backup': ServerTask & {
    readonly imageId: string
    /** Project of the image. */
    readonly imageOwner: string | null
    readonly backupType: string
    /** How many backups of the type stay. */
    readonly rotation: number
  }
  'server-shelve': ServerTask & { readonly imageId: string }
  'server-shelve-offload': ServerTask
  /** `host`: where it shall come back, if an administrator says so. */
  'server-unshelve': ServerTask & { readonly host: string | null }
  'server-unshelve-start': ServerTask
  'server-resize': ServerMove & { readonly spec: RequestSpec }
  'server-confirm-resize': ServerMove
  'server-revert-resize': ServerMove
  'server-live-migrate': ServerMove & {
    readonly spec: RequestSpec
    /** A target that no filter may refuse. */
    readonly forcedHost: string | null
    /** Null: as the hosts need it. */
    readonly withDisks: boolean | null
  }
  'server-evacuate': ServerMove & {
    readonly spec: RequestSpec
    readonly forcedHost: string | null
    /** The server is left off at its new host. */
    readonly staysOff: boolean
    /** Whether it was off is known better than by its state. */
    readonly isOff?: boolean
  }
}
export type SagaName = keyof SagaInputs

/** Work on a move of a server. */
export interface ServerMove extends ServerTask {
  /** The move's record, and its consumer in placement. */
  readonly migrationId: string
}

/** One interface asked for: a port of the user's, or a network to make a port on. */
export interface RequestedNetwork {
  readonly networkId: string
  readonly portId: string | null
  readonly fixedIp: string | null
  readonly tag: string | null
}

export interface ServerBuild extends ServerTask {
  readonly spec: RequestSpec
  readonly networks: readonly RequestedNetwork[]
  /** For ports that we make; empty = the project's default group. */
  readonly securityGroupIds: readonly string[]
  /** The saga that places this server together with others of its request. */
  readonly reservation?: string | null
}

export interface ServerRebuild extends ServerTask {
  readonly image: InstanceImage
  /** Another one than before: the scheduler has to agree. */
  readonly isNewImage: boolean
  /** The root disk is a volume, which then gets the image's content. */
  readonly isOnVolume: boolean
  readonly keepsEphemeral: boolean
  /** Of the request spec, before. */
  readonly specImage: RequestSpec['image']
  /** What the acceptance has changed in the record, as it was. */
  readonly before: Partial<Instance>
}

/** A host that was lost, as it was seen. */
export interface HostFence {
  readonly host: string
  /** `reportCount` of its service, which has not grown for `silentMs`. */
  readonly heard: number
  readonly silentMs: number
  /** For so long its guests run without an answer; null: for ever. */
  readonly leaseMs: number | null
}

/** Several servers of one request: all of them find a host, or none. */
export interface ReservationPlace {
  readonly instanceIds: readonly string[]
  readonly requestId: string
  readonly spec: RequestSpec
}
