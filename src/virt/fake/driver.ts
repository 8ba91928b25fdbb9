import { type Clock, type InstanceId, systemClock } from '#base'
import {
  type ConsoleLog,
  type Consoles,
  type GuestEvent,
  type GuestSummary,
  type HostDescription,
  type HostView,
  type Hotplug,
  type ImageStock,
  power,
  type Snapshots,
  type VirtDriver,
  type VolumeSnapshots,
  type Volumes,
} from '../driver.ts'
import { eventStream } from '../event-stream.ts'
import type { GuestDisk } from '../guest-spec.ts'
import { lastLines } from '../last-lines.ts'
import type { ColdMigration, LiveMigration } from '../moves.ts'
import { coldMigration } from './cold-migration.ts'
import { consoleText } from './console-text.ts'
import { fakeConsoles } from './consoles.ts'
import { type DiskPlace, type DiskWrite, FakeDisks } from './disks.ts'
import { crashDump, fencing, guestAgent, quiesce, rebuild, rescue, shares, suspendToDisk } from './facets.ts'
import { type FakeOperation, FaultPlan } from './faults-plan.ts'
import { FakeGuest } from './guest.ts'
import type { GuestRecord } from './guest-record.ts'
import { cellsAndDevices, cpuTopology, type FakeHardware, hardwareSize, hardwareTraits } from './hardware.ts'
import { FakeHypervisor, idOf } from './hypervisor.ts'
import { CopyBrake, liveMigration } from './live-migration.ts'
import { FakeMachine } from './machine.ts'
import { fakeSnapshots } from './snapshots.ts'
import { fakeVolumeSnapshots, fakeVolumes } from './volumes.ts'

export interface FakeDriverOptions {
  readonly hostName: string
  readonly vcpus: number
  readonly memoryMiB: number
  readonly diskGiB: number
  /** Where guests outlive this process; without it they end with it. */
  readonly stateFile?: string
  readonly clock?: Clock
  /** Milliseconds an operation takes; none by default. */
  readonly latency?: Partial<Record<FakeOperation, number>>
  readonly faults?: FaultPlan
  readonly traits?: readonly string[]
  readonly hardware?: FakeHardware
  /** Where disks get their bits from, and where they lie; without it they are empty. */
  readonly disks?: DiskPlace
}

/** The driver, and what only a test may do. */
export interface FakeDriver extends VirtDriver {
  readonly hotplug: Hotplug
  readonly consoleLog: ConsoleLog
  /** What it keeps of a guest. */
  recordOf(id: InstanceId): GuestRecord | undefined
  readonly consoles: Consoles
  readonly imageCache: ImageStock
  readonly machine: FakeMachine
  /** Ids of the images fetched ahead. */
  readonly cachedImages: ReadonlySet<string>
  readonly coldMigration: ColdMigration
  readonly liveMigration: LiveMigration
  /** Live migrations from here do not end while it is held. */
  readonly copyBrake: CopyBrake
  readonly snapshots: Snapshots
  /** As if the guest had written this to its disk. */
  writeDisk(id: InstanceId, offset: number, bytes: Uint8Array): void
  readonly volumes: Volumes
  readonly volumeSnapshots: VolumeSnapshots
  /** The disks that a guest has now. */
  disksOf(id: InstanceId): readonly GuestDisk[]
  /** Files that snapshots have put over a volume of the guest. */
  overlaysOf(id: InstanceId, volumeId: string): readonly string[]
  /** The next call of this operation throws and changes nothing. */
  failNext(operation: FakeOperation, fault: unknown): void
  /** From now on running guests let go of no device, like those without a system: taking one away throws. */
  cling(fault: unknown): void
  /** As if the guest's process died. */
  crash(id: InstanceId): void
  /** As if somebody inside shut it down. */
  shutDownFromWithin(id: InstanceId): void
}

export function createFakeDriver(options: FakeDriverOptions): FakeDriver {
  const faults = options.faults ?? new FaultPlan()
  const clock = options.clock ?? systemClock
  const hypervisor = new FakeHypervisor({ clock, faults, latency: options.latency ?? {}, stateFile: options.stateFile })
  const disks = new FakeDisks(options.disks)
  if (options.stateFile !== undefined)
    disks.keepOnly([...hypervisor.guests.values(), ...hypervisor.aside.values()].map(({ disk }) => disk))
  const closed = new AbortController()
  const copyBrake = new CopyBrake()
  const live = liveMigration({ hypervisor, disks, clock, faults, brake: copyBrake })
  const machine = new FakeMachine(hypervisor, clock, options.hardware?.load)
  const cachedImages = new Set<string>()
  return {
    hypervisorType: 'fake',
    host: hostView(options, hypervisor, machine),
    machine,
    list: () => hypervisor.ask('list', () => summaries(hypervisor)),
    guest: id => new FakeGuest(id, hypervisor, disks),
    events: (signal): AsyncIterable<GuestEvent> =>
      eventStream(listener => hypervisor.on(listener), AbortSignal.any([signal, closed.signal])),
    async close() {
      closed.abort()
      await live.close()
      hypervisor.close()
    },
    hotplug: hotplug(hypervisor),
    coldMigration: coldMigration(hypervisor, disks),
    liveMigration: live,
    copyBrake,
    volumes: fakeVolumes(hypervisor, options.hostName),
    volumeSnapshots: fakeVolumeSnapshots(hypervisor),
    disksOf: id => hypervisor.guests.get(id)?.disks ?? [],
    overlaysOf: (id, volumeId) => hypervisor.guests.get(id)?.overlays[volumeId] ?? [],
    consoleLog: {
      read: (id, lines) =>
        hypervisor.ask('consoleLog', () => {
          const guest = hypervisor.guests.get(id)
          const text = guest === undefined ? '' : consoleText(guest)
          return lines === undefined ? text : lastLines(text, lines)
        }),
    },
    consoles: fakeConsoles(hypervisor),
    imageCache: imageStock(hypervisor, cachedImages),
    cachedImages,
    snapshots: fakeSnapshots(hypervisor, disks),
    writeDisk: (id, offset, bytes) =>
      writeDisk(hypervisor, id, { offset, base64: Buffer.from(bytes).toString('base64') }),
    suspendToDisk: suspendToDisk(hypervisor),
    rescue: rescue(hypervisor),
    rebuild: rebuild(hypervisor, disks),
    guestAgent: guestAgent(hypervisor),
    quiesce: quiesce(hypervisor),
    crashDump: crashDump(hypervisor),
    fencing: fencing(hypervisor),
    shares: shares(hypervisor),
    recordOf: id => hypervisor.guests.get(id),
    failNext: (operation, fault) => faults.failNext(operation, fault),
    cling: fault => faults.cling(fault),
    crash: id => hypervisor.turn(id, power.crashed, 'crashed'),
    shutDownFromWithin: id => hypervisor.turn(id, power.shutdown, 'stopped', true),
  }
}

/** Nothing of an image but its id is kept. */
const imageStock = (hypervisor: FakeHypervisor, ids: Set<string>): ImageStock => ({
  fetch: ({ id }) =>
    hypervisor.ask('cacheImage', () => {
      const isNew = !ids.has(id)
      ids.add(id)
      return isNew
    }),
  usedBytes: async () => 0,
  // Ids have no age.
  clean: () =>
    hypervisor.ask('cleanImages', () => {
      const used = new Set(Array.from(hypervisor.guests.values(), guest => guest.spec.image.id))
      for (const id of ids) if (!used.has(id)) ids.delete(id)
    }),
})

const summaries = (hypervisor: FakeHypervisor): GuestSummary[] =>
  Array.from(hypervisor.guests.values(), guest => ({ id: idOf(guest), name: guest.spec.name, power: guest.power }))

function writeDisk(hypervisor: FakeHypervisor, id: InstanceId, write: DiskWrite): void {
  const guest = hypervisor.existing(id)
  if (guest.disk === undefined) throw new Error(`guest ${id} has no disk of its own`)
  hypervisor.put(id, { ...guest, disk: { ...guest.disk, writes: [...guest.disk.writes, write] } })
}

const hotplug = (hypervisor: FakeHypervisor): Hotplug => ({
  attachVif: (id, vif) =>
    hypervisor.change('attachVif', id, () => {
      const guest = hypervisor.existing(id)
      if (!guest.vifs.some(v => v.mac === vif.mac)) hypervisor.put(id, { ...guest, vifs: [...guest.vifs, vif] })
    }),
  detachVif: (id, mac) =>
    hypervisor.change('detachVif', id, () => {
      const guest = hypervisor.existing(id)
      hypervisor.letGo(guest)
      hypervisor.put(id, { ...guest, vifs: guest.vifs.filter(v => v.mac !== mac) })
    }),
})

/** What the fake can do, by the same names as the real one. */
const fakeTraits = [
  'COMPUTE_EPHEMERAL_ENCRYPTION',
  'COMPUTE_EPHEMERAL_ENCRYPTION_LUKS',
  'COMPUTE_IMAGE_TYPE_ISO',
  'COMPUTE_IMAGE_TYPE_QCOW2',
  'COMPUTE_IMAGE_TYPE_RAW',
  'COMPUTE_MEM_BACKING_FILE',
  'COMPUTE_NET_ATTACH_INTERFACE',
  'COMPUTE_NET_VIF_MODEL_VIRTIO',
  'COMPUTE_NODE',
  'COMPUTE_RESCUE_BFV',
  'COMPUTE_STORAGE_BUS_VIRTIO',
  'COMPUTE_STORAGE_VIRTIO_FS',
  'COMPUTE_VOLUME_ATTACH_WITH_TAG',
  'COMPUTE_VOLUME_EXTEND',
  'COMPUTE_VOLUME_MULTI_ATTACH',
  'HW_ARCH_X86_64',
]

const hostView = (options: FakeDriverOptions, hypervisor: FakeHypervisor, machine: FakeMachine): HostView => ({
  describe: () => hypervisor.ask('describe', () => describe(options, hypervisor, machine.uptime())),
  processorTimes: async () => machine.processorTimes(options.vcpus),
})

function describe(options: FakeDriverOptions, hypervisor: FakeHypervisor, uptime: string | null): HostDescription {
  let memoryUsedMiB = 0
  let diskUsedGiB = 0
  for (const { spec } of hypervisor.aside.values()) diskUsedGiB += spec.flavor.rootGiB + spec.flavor.ephemeralGiB
  for (const { spec, power: now } of hypervisor.guests.values()) {
    diskUsedGiB += spec.flavor.rootGiB + spec.flavor.ephemeralGiB
    if (now === power.running || now === power.paused) memoryUsedMiB += spec.flavor.memoryMiB
  }
  return {
    hypervisorHostname: options.hostName,
    hypervisorType: 'fake',
    hypervisorVersion: 1_000_000,
    vcpus: options.vcpus,
    memoryMiB: options.memoryMiB,
    ...hardwareSize(options.hardware ?? {}),
    memoryUsedMiB,
    localDiskGiB: options.diskGiB,
    localDiskUsedGiB: diskUsedGiB,
    localDiskFreeGiB: options.diskGiB - diskUsedGiB,
    cpuInfo: {
      arch: 'x86_64',
      model: 'fake',
      vendor: 'fake',
      features: [],
      topology: cpuTopology(options.hardware ?? {}, options.vcpus),
    },
    supportedInstances: [['x86_64', 'fake', 'hvm']],
    traits: options.traits ?? [...fakeTraits, ...hardwareTraits(options.hardware ?? {})],
    ...cellsAndDevices(options.hardware ?? {}),
    hostIp: '127.0.0.1',
    uptime,
    extraInventories: {},
  }
}
