import type { FaultRecord } from '#base'
import type { NodeMetric, PciDevice } from '#model'
import type { GuestEvent, GuestImage, GuestRecord, GuestSpec, HostDescription, PowerState } from '#virt'
import { contract, method } from '../contract.ts'
import type { ExternalEvent } from './external-events.ts'

/** One host's report: what it is and has. */
export interface HostReport {
  readonly host: string
  /** Stable id of the node: resource provider and compute node. */
  readonly nodeId: string
  readonly description: Omit<HostDescription, 'cells' | 'pciFunctions'>
  /** PCI devices that guests may have. */
  readonly devices?: readonly PciDevice[]
  /** They are counted in placement too. */
  readonly areDevicesInPlacement?: boolean
  readonly reserved: { readonly vcpus: number; readonly memoryMiB: number; readonly diskGiB: number }
  readonly ratios: { readonly cpu: number; readonly ram: number; readonly disk: number }
  /** What its monitors have measured. */
  readonly metrics?: readonly NodeMetric[]
}

/** What a host tells of a guest after it has changed it. */
export interface GuestReport {
  readonly host: string
  readonly id: string
  readonly record: GuestRecord
}

/** `refused`: the host counts as fenced, and its servers may run elsewhere by now. */
export type LeaseAnswer = 'granted' | 'refused'

/** What a host should have, as the records say. */
export interface ExpectedGuest {
  readonly id: string
  readonly vmState: string
  readonly taskState: string | null
  readonly powerState: PowerState
}

export interface SettledMoves {
  readonly over: readonly string[]
  readonly back: readonly { readonly spec: GuestSpec; readonly isOn: boolean }[]
}

/** The aggregate whose hosts fetch images, for whoever is told of it. */
export interface CachingAggregate {
  readonly id: number
  readonly uuid: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

/** Who has asked for something that is no saga. */
export interface Asker {
  readonly userId: string
  readonly projectId: string | null
  readonly requestId: string
}

/** A request of a user waits for this one, and loses nothing without it. */
const shortMs = 5_000

/** What nova-compute tells and asks; it has no database of its own. Answered by any conductor. */
export const conductorContract = contract('conductor', {
  hello: method<{ host: string; binary: string; version: number }, { serviceId: string }>(),
  /** The host takes calls now: what waits for it need wait no longer. */
  ready: method<{ host: string }, null>(),
  /** `leaseMs`: the guests of the host are killed when so long after this it has had no answer that grants it. */
  heartbeat: method<{ host: string; binary: string; leaseMs?: number }, { lease: LeaseAnswer } | null>(),
  reportHost: method<HostReport, null>(),
  guestEvent: method<{ host: string; event: GuestEvent; power: PowerState }, null>(),
  guestRecord: method<GuestReport, null>(),
  /** The hypervisor of a host does not answer; `ip` is the host's. */
  hypervisorLost: method<{ host: string; ip: string; fault: FaultRecord }, null>(),
  expectedGuests: method<{ host: string }, readonly ExpectedGuest[]>(),
  /** Records of any of these ids, deleted ones too: to tell our own leftovers from other people's guests. */
  knownGuests: method<
    { ids: readonly string[] },
    readonly {
      id: string
      host: string | null
      isDeleted: boolean
      /** Null while it lives. */
      deletedAtMs: number | null
      taskState: string | null
    }[]
  >(),
  /** Guests that are off on a host that has just started: those that should run are started again. */
  resumeGuests: method<{ host: string; off: readonly string[] }, null>(),
  /** The ports of a server are not as they were: its record follows before this returns. */
  refreshNetwork: method<{ instanceId: string }, null>(),
  /** Taken at once; the hosts fetch the images afterwards. */
  cacheImages: method<
    { hosts: readonly string[]; images: readonly GuestImage[]; aggregate?: CachingAggregate; asker?: Asker },
    null
  >(),
  /** Taken at once, worked on afterwards, in order per server; lost with the process, as a message would be. */
  externalEvents: method<{ events: readonly ExternalEvent[] }, null>(),
  /**
   * A host that has removed guests which live elsewhere now, but for those `left`, and has these set aside, learns which of them are of moves
   * that are over, and which shall be guests again: their move was taken back while the host was away.
   */
  settleMoves: method<{ host: string; aside: readonly string[]; left: readonly string[] }, SettledMoves>(),
  /** Which of these, for whom a host waits or has files, do not come any more and do not live there. */
  abandoned: method<{ host: string; ids: readonly string[] }, { ids: readonly string[] }>(),
  /**
   * Those of a guest's ports of which Nova has not heard that they are wired. `isSure`: the network is asked as well, for
   * what it tells may get lost.
   */
  portsDown: method<
    { host: string; instanceId: string; portIds: readonly string[]; isSure: boolean },
    readonly string[]
  >(),
  /** A saga was written: somebody should look at it now. */
  wake: method<{ sagaId: string }, null>(shortMs),
  /** A saga was asked to stop. */
  interrupt: method<{ sagaId: string }, null>(shortMs),
})
export type ConductorContract = typeof conductorContract
