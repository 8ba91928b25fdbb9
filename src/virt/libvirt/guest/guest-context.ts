import type { Clock, InstanceId, KeyedQueues, Log } from '#base'
import type { GuestWires } from '../../guest-wires.ts'
import type { ImageSource } from '../../image-source.ts'
import type { ConfigDriveWriter } from '../disks/config-drive.ts'
import type { Storage } from '../disks/storage.ts'
import type { DomainHost } from '../domain/index.ts'
import type { ProcessorUse } from '../host/processor-use.ts'
import type { ImageCache } from '../images/image-cache.ts'
import type { Handout } from '../moves/handout.ts'
import type { MigrationSettings } from '../moves/settings.ts'
import type { LibvirtClient } from '../rpc/index.ts'
import type { GuestSecrets } from '../secrets/secrets.ts'
import type { VolumeParts } from '../volumes/volume-options.ts'
import type { GuestEvents } from './guest-events.ts'
import type { GuestFiles } from './guest-files.ts'
import type { SerialPorts } from './serial-ports.ts'

/** What all guests of one driver share. */
export interface GuestContext extends VolumeParts {
  readonly client: LibvirtClient
  readonly events: GuestEvents
  readonly files: GuestFiles
  readonly images: ImageCache
  readonly host: DomainHost
  readonly storage: Storage
  readonly serialPorts: SerialPorts
  readonly secrets: GuestSecrets
  readonly processorUse: ProcessorUse
  readonly imageSource: ImageSource
  readonly writeConfigDrive: ConfigDriveWriter | undefined
  readonly clock: Clock
  readonly log: Log
  /** Changes of one guest run one after the other; reads do not wait. */
  readonly changes: KeyedQueues<InstanceId>
  /** Where libvirt keeps what is its own of guests: `/var/lib/libvirt`, or the folder that is bound there. */
  readonly daemonFolder: string
  /** This host as the hypervisor names it. */
  readonly hostName: string
  readonly migration: MigrationSettings
  /** Hands files of guests that move to other hosts; undefined: none can be had from here. */
  readonly handout: Handout | undefined
  readonly shutdownRetryMs: number
  /** Absent where all is wired before a guest starts. */
  readonly wires: GuestWires | undefined
}
