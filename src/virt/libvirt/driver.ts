import { constants } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Clock, type InstanceId, KeyedQueues, type Log, systemClock } from '#base'
import type { GuestEvent, GuestSummary, ImageStock, VirtDriver } from '../driver.ts'
import { eventStream } from '../event-stream.ts'
import type { Fencing, Quiesce } from '../guest-facets.ts'
import type { GuestWires } from '../guest-wires.ts'
import type { ImageSource } from '../image-source.ts'
import { listGuests } from './daemon/daemon-calls.ts'
import type { ConfigDriveWriter } from './disks/config-drive.ts'
import { type StorageOptions, storageOf } from './disks/storage.ts'
import { type DomainHost, defaultDiskOptions, type VirtType } from './domain/index.ts'
import { ConsoleLogFile } from './guest/console-log.ts'
import { LibvirtConsoles } from './guest/consoles.ts'
import { LibvirtCrashDump } from './guest/crash-dump.ts'
import { type DomainFacts, domainFacts, type WantedSettings } from './guest/domain-facts.ts'
import { LibvirtGuest } from './guest/guest.ts'
import type { GuestContext } from './guest/guest-context.ts'
import { GuestEvents } from './guest/guest-events.ts'
import { GuestFiles } from './guest/guest-files.ts'
import { LibvirtGuestRecords } from './guest/guest-records.ts'
import { LibvirtHotplug } from './guest/hotplug.ts'
import { libvirtFencing } from './guest/kill-guests.ts'
import { LibvirtRebuild } from './guest/rebuild.ts'
import { LibvirtRescue } from './guest/rescue.ts'
import { SerialPorts } from './guest/serial-ports.ts'
import { LibvirtSuspendToDisk } from './guest/suspend-to-disk.ts'
import type { WantedCpu } from './host/cpu-capabilities.ts'
import { emulatedArchitecture, type HostCapabilities, readCapabilities } from './host/host-capabilities.ts'
import { hostPciFunctions } from './host/host-devices.ts'
import { type HostFacts, LibvirtHostView } from './host/host-view.ts'
import { ProcessorUse } from './host/processor-use.ts'
import { chooseVirtType } from './host/virt-type.ts'
import { formatOfDisk } from './images/disk-info.ts'
import { acceptedFormats } from './images/image-acceptance.ts'
import { ImageCache } from './images/image-cache.ts'
import { imageStock } from './images/image-stock.ts'
import { LibvirtColdMigration } from './moves/cold-migration.ts'
import { Handout } from './moves/handout.ts'
import { LibvirtLiveMigration } from './moves/live-migration.ts'
import { type MigrationSettings, plainMigration } from './moves/settings.ts'
import { asFault, LibvirtClient } from './rpc/index.ts'
import { GuestSecrets } from './secrets/secrets.ts'
import { LibvirtGuestAgent } from './snapshots/guest-agent.ts'
import { LibvirtSnapshots } from './snapshots/snapshots.ts'
import { hasFileServer } from './volumes/file-servers.ts'
import { LibvirtShares, type ShareMountOptions } from './volumes/shares.ts'
import { type VolumeOptions, volumeParts } from './volumes/volume-options.ts'
import { LibvirtVolumeSnapshots } from './volumes/volume-snapshots.ts'
import { LibvirtVolumes } from './volumes/volumes.ts'

export interface LibvirtDriverOptions {
  readonly socketPath: string
  readonly instancesPath: string
  readonly imageSource: ImageSource
  readonly virtType: 'auto' | VirtType
  /** Without it a spec with a config drive is refused. */
  readonly writeConfigDrive?: ConfigDriveWriter
  readonly log: Log
  readonly clock?: Clock
  /** `auto`: host-model with KVM, QEMU's own default without. */
  readonly cpuMode?: WantedCpu
  /** What nova.conf says about definitions. */
  readonly domain?: WantedSettings
  /** False where the daemon was told to leave cgroups alone. */
  readonly mayLimitCpu?: boolean
  /** For guests without KVM: 64 costs no time, 32 is for many small guests. */
  readonly tbCacheMiB?: number
  readonly hypervisorHostname?: string
  readonly hostIp?: string
  /** Guests may get PCI devices, so they are looked for. */
  readonly listsPciDevices?: boolean
  /** What guests find as their machine's version, and Nova's metadata as the package's. */
  readonly productVersion?: string
  /** `[libvirt] num_memory_encrypted_guests`; null: as many as libvirt says. */
  readonly mostEncryptedGuests?: number | null
  /** `[libvirt] live_migration_…`. */
  readonly migration?: MigrationSettings
  /** Where other hosts fetch files of guests that move; without it they cannot. Port 0: whichever is free, kept. */
  readonly handoutAt?: { readonly address: string; readonly port: number }
  /** Between two presses of the power button. */
  readonly shutdownRetryMs?: number
  /** Where agents of the network wire the guests. */
  readonly wires?: GuestWires
  readonly storage?: StorageOptions
  readonly volumes?: VolumeOptions
  /** Where shares are mounted; by default beside the guests' folders. */
  readonly shares?: ShareMountOptions
}

/** Connects, asks what the host can do, and clears what an earlier process left half done. */
export async function createLibvirtDriver(options: LibvirtDriverOptions): Promise<VirtDriver> {
  const { log } = options
  const clock = options.clock ?? systemClock
  const instancesPath = resolve(options.instancesPath)
  await mkdir(instancesPath, { recursive: true })
  const virtType = chooseVirtType(options.virtType, log)
  const client = new LibvirtClient({ socketPath: options.socketPath, clock, log })
  const events = new GuestEvents(client, log, clock)
  try {
    const capabilities = await readCapabilities(client, virtType)
    const hostName = options.hypervisorHostname ?? (capabilities.hostname || hostname())
    const files = new GuestFiles(instancesPath, hostName)
    const handout = await openHandout(options, instancesPath, hostName)
    const storage = storageOf(options.storage, instancesPath)
    const cacheFolder = join(instancesPath, storage.cacheFolderName)
    const images = new ImageCache({ folder: cacheFolder, source: options.imageSource, log, storage })
    await images.start()
    await files.removeLeftovers()
    await events.start()
    const wanted = {
      settings: options.domain ?? {},
      cpu: options.cpuMode ?? 'auto',
      mayLimitCpu: options.mayLimitCpu ?? true,
    }
    const facts = await domainFacts(client, wanted, virtType, capabilities, log)
    const shares = (await hasFileServer(log)) ? new LibvirtShares(shareMounts(options, instancesPath)) : undefined
    const host = domainHost(options, capabilities, facts, files, await diskCache(instancesPath), shares)
    const changes = new KeyedQueues<InstanceId>()
    const shutdownRetryMs = options.shutdownRetryMs ?? 10_000
    const { writeConfigDrive, wires } = options
    const migration = options.migration ?? plainMigration
    const shared = { client, events, files, images, storage, host, clock, log, changes, hostName }
    const ofVolumes = volumeParts(options.volumes ?? {}, client, capabilities, instancesPath)
    const ofMoves = { migration, handout, daemonFolder: daemonFolderOf(options.socketPath) }
    const ofStarts = {
      serialPorts: new SerialPorts(),
      secrets: new GuestSecrets(client),
      processorUse: new ProcessorUse(),
      imageSource: options.imageSource,
    }
    const context = { ...shared, ...ofVolumes, ...ofMoves, ...ofStarts, shutdownRetryMs, writeConfigDrive, wires }
    const ofHost = { ...capabilities, ...facts, imageFormats: acceptedFormats(storage) }
    const view = hostView(options, hostName, instancesPath, ofHost, clock, client)
    const driver = new LibvirtDriver(context, view, shares, libvirtFencing(options.socketPath))
    await driver.snapshots.settle()
    return driver
  } catch (error) {
    events.close()
    client.close()
    throw asFault(error, 'connect', options.socketPath)
  }
}

class LibvirtDriver implements VirtDriver {
  /** libvirt calls it so with and without KVM, and so does Nova. */
  readonly hypervisorType = 'QEMU'
  readonly host: LibvirtHostView
  readonly hotplug: LibvirtHotplug
  readonly consoleLog: ConsoleLogFile
  readonly consoles: LibvirtConsoles
  readonly imageCache: ImageStock
  readonly suspendToDisk: LibvirtSuspendToDisk
  readonly rescue: LibvirtRescue
  readonly rebuild: LibvirtRebuild
  readonly guestAgent: LibvirtGuestAgent
  readonly crashDump: LibvirtCrashDump
  readonly volumes: LibvirtVolumes
  readonly volumeSnapshots: LibvirtVolumeSnapshots
  readonly snapshots: LibvirtSnapshots
  readonly quiesce: Quiesce
  readonly coldMigration: LibvirtColdMigration
  readonly liveMigration: LibvirtLiveMigration
  readonly shares?: LibvirtShares
  readonly records: LibvirtGuestRecords
  readonly fencing: Fencing
  readonly #context: GuestContext
  readonly #closed = new AbortController()

  constructor(context: GuestContext, host: LibvirtHostView, shares: LibvirtShares | undefined, fencing: Fencing) {
    this.#context = context
    if (shares !== undefined) this.shares = shares
    this.host = host.of(this)
    this.hotplug = new LibvirtHotplug(context)
    this.records = new LibvirtGuestRecords(context)
    this.consoleLog = new ConsoleLogFile(context.files)
    this.consoles = new LibvirtConsoles(context)
    this.suspendToDisk = new LibvirtSuspendToDisk(context)
    this.rescue = new LibvirtRescue(context)
    this.rebuild = new LibvirtRebuild(context)
    this.guestAgent = new LibvirtGuestAgent(context)
    this.crashDump = new LibvirtCrashDump(context)
    this.volumes = new LibvirtVolumes(context)
    this.volumeSnapshots = new LibvirtVolumeSnapshots(context)
    this.snapshots = new LibvirtSnapshots(context)
    this.quiesce = this.snapshots.quiesce
    this.coldMigration = new LibvirtColdMigration(context)
    this.liveMigration = new LibvirtLiveMigration(context)
    this.imageCache = imageStock(context)
    this.fencing = fencing
  }

  async list(): Promise<readonly GuestSummary[]> {
    try {
      return await listGuests(this.#context.client)
    } catch (error) {
      throw asFault(error, 'list', 'all')
    }
  }

  guest(id: InstanceId): LibvirtGuest {
    return new LibvirtGuest(id, this.#context)
  }

  events(signal: AbortSignal): AsyncIterable<GuestEvent> {
    const { events } = this.#context
    return eventStream(listener => events.on(listener), AbortSignal.any([signal, this.#closed.signal]))
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.snapshots.close()
    this.#context.events.close()
    this.#context.client.close()
    await this.#context.handout?.close()
  }
}

const hostView = (
  options: LibvirtDriverOptions,
  hypervisorHostname: string,
  instancesPath: string,
  capabilities: HostFacts,
  clock: Clock,
  client: LibvirtClient,
) =>
  new LibvirtHostView({
    capabilities,
    hypervisorType: 'QEMU',
    hypervisorHostname,
    instancesPath,
    hostIp: options.hostIp,
    mostEncryptedGuests: options.mostEncryptedGuests ?? null,
    clock,
    pciFunctions: async () => (options.listsPciDevices === true ? hostPciFunctions(client) : []),
  })

/** A daemon of our own has its socket in `run`, beside the folder that it sees as /var/lib/libvirt. */
const daemonFolderOf = (socketPath: string): string => {
  const own = join(dirname(dirname(socketPath)), 'lib')
  return socketPath.startsWith('/run/') || socketPath.startsWith('/var/run/') ? '/var/lib/libvirt' : own
}

async function openHandout(options: LibvirtDriverOptions, root: string, host: string): Promise<Handout | undefined> {
  if (options.handoutAt === undefined) return undefined
  const handout = new Handout({ ...options.handoutAt, root, host, log: options.log })
  await handout.start()
  return handout
}

function domainHost(
  options: LibvirtDriverOptions,
  capabilities: HostCapabilities,
  facts: DomainFacts,
  files: GuestFiles,
  cache: DomainHost['diskCache'],
  shares: LibvirtShares | undefined,
): DomainHost {
  return {
    ...facts,
    cpu: facts.cpuMode,
    architecture: emulatedArchitecture,
    emulator: capabilities.emulator,
    defaultMachine: 'pc',
    tbCacheMiB: options.tbCacheMiB ?? 64,
    videoModels: capabilities.videoModels,
    diskCache: cache,
    diskOptions: options.volumes?.disks ?? defaultDiskOptions,
    productVersion: options.productVersion ?? '0.1.0',
    ...(options.storage?.preallocates === true && cache === 'none' ? { diskIo: 'native' } : {}),
    diskPath: id => files.disk(id),
    rootFormat: id => formatOfDisk(files.disk(id)),
    ephemeralPath: (id, index) => files.ephemeral(id, index),
    swapPath: id => files.swap(id),
    configDrivePath: id => files.configDrive(id),
    consoleLogPath: id => files.consoleLog(id),
    kernelPath: id => files.kernel(id),
    ramdiskPath: id => files.ramdisk(id),
    nvramPath: id => files.nvram(id),
    ...(shares === undefined ? {} : { sharePath: share => shares.pathOf(share) }),
  }
}

/** Where Nova's volumes of the same kind are mounted too. */
function shareMounts({ shares }: LibvirtDriverOptions, instancesPath: string): ShareMountOptions {
  const place = { folder: join(instancesPath, 'mnt'), options: [] }
  return shares ?? { nfs: place, ceph: place }
}

/** `none` needs O_DIRECT, which some file systems lack; Nova's order. */
async function diskCache(folder: string): Promise<DomainHost['diskCache']> {
  const path = join(folder, `.directio-${process.pid}`)
  try {
    const file = await open(path, constants.O_CREAT | constants.O_WRONLY | constants.O_DIRECT, 0o600)
    await file.close()
    return 'none'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    return 'writethrough'
  } finally {
    await rm(path, { force: true })
  }
}
