import { join } from 'node:path'
import { type Clock, declareFault, type Log } from '#base'
import type { ImagePort, KeyPort } from '#cloud'
import { imageSource, type SignatureRules } from '#compute'
import type { Config } from '#config'
import type { GuestWires, VirtDriver } from '#virt'
import { createFakeDriver } from '#virt/fake'
import { nodePath } from './compute.ts'
import { configDriveWriter } from './config-drive.ts'
import { domainSettings } from './domain-settings.ts'
import { simulatedHardware } from './hardware.ts'
import { migrationSettings } from './migration.ts'
import { storageOptions } from './storage.ts'

export const DriverUnusable = declareFault('DriverUnusable', 'final', (p: { reason: string }) => p.reason)

const socketOf = (uri: string): string => {
  if (uri === '' || /^qemu(\+unix)?:\/\/\/system$/.test(uri)) return '/run/libvirt/libvirt-sock'
  const socket = /^qemu\+unix:\/\/\/system\?socket=(\/.+)$/.exec(uri)?.[1]
  if (socket !== undefined) return socket
  throw DriverUnusable({
    reason: `[libvirt] connection_uri ${uri}: only qemu:///system and qemu+unix:///system?socket=/path are supported.`,
  })
}

/** A simulated host of a size that nobody fills by hand; its guests outlive the process. */
export const simulatedDriver = (
  config: Config,
  host: string,
  statePath: string,
  images: () => ImagePort,
  clock: Clock,
): VirtDriver => {
  const folder = nodePath(statePath, host)
  const stateFile = join(folder, 'guests.jsonl')
  const disks = { images: imageSource(images), path: join(folder, 'disks') }
  const { cpus: vcpus, memory_mb: memoryMiB, disk_gb: diskGiB } = config.simulated_host
  const hardware = simulatedHardware(config)
  return createFakeDriver({ hostName: host, vcpus, memoryMiB, diskGiB, stateFile, disks, clock, hardware })
}

export interface LibvirtParts {
  readonly config: Config
  readonly images: () => ImagePort
  /** Where certificates are that images are signed with. */
  readonly keys: () => KeyPort
  readonly log: Log
  readonly clock: Clock
  /** Of a host whose guests are wired by agents of the network. */
  readonly wires?: GuestWires
}

export interface LibvirtPlace {
  readonly socketPath: string
  readonly instancesPath: string
  readonly virtType: 'auto' | 'kvm' | 'qemu'
  /** A daemon of our own: it may have every device that its programs can do. */
  readonly isPrivate?: boolean
  /** False where its guests can have no limits of processor time. */
  readonly limitsCpu?: boolean
}

/** Real guests, with the options of nova.conf. */
export const libvirtDriver = async (
  { config, images, keys, log, clock, wires }: LibvirtParts,
  place: LibvirtPlace,
): Promise<VirtDriver> => {
  // Simulated hosts start without it.
  const { createLibvirtDriver } = await import('#virt/libvirt')
  const { isPrivate = false, limitsCpu = true, ...at } = place
  const { volumeOptions } = await import('./volume-options.ts')
  return createLibvirtDriver({
    ...at,
    imageSource: imageSource(images, signatureRules(config, keys, clock)),
    writeConfigDrive: configDriveWriter(config),
    log: log.child({ service: 'libvirt' }),
    clock,
    storage: storageOptions(config),
    cpuMode: config.libvirt.cpu_mode === null ? 'auto' : { mode: config.libvirt.cpu_mode },
    domain: domainSettings(config, isPrivate),
    mayLimitCpu: limitsCpu,
    ...(isPrivate ? {} : { shares: shareMounts(config) }),
    shutdownRetryMs: config.compute.shutdown_retry_interval * 1000,
    volumes: volumeOptions(config),
    // 64 MiB of translated code cost no speed and save 200 MB per emulated guest.
    tbCacheMiB: config.libvirt.tb_cache_size ?? 64,
    hostIp: config.DEFAULT.my_ip,
    ...(wires === undefined ? {} : { wires }),
    migration: migrationSettings(config),
    mostEncryptedGuests: config.libvirt.num_memory_encrypted_guests,
    listsPciDevices: config.pci.device_spec.length > 0,
    handoutAt: { address: config.DEFAULT.my_ip, port: config.libvirt.migration_files_port },
  })
}

const signatureRules = ({ glance }: Config, certificates: () => KeyPort, clock: Clock): SignatureRules => ({
  isRequired: glance.verify_glance_signatures,
  validatesCertificates: glance.enable_certificate_validation,
  trusted: glance.default_trusted_certificate_ids,
  certificates,
  clock,
})

/** A host of the one-machine cloud keeps them in its own folder. */
const shareMounts = ({ libvirt }: Config) => ({
  nfs: {
    folder: libvirt.nfs_mount_point_base,
    options: libvirt.nfs_mount_options === null ? [] : [libvirt.nfs_mount_options],
  },
  ceph: { folder: libvirt.ceph_mount_point_base, options: libvirt.ceph_mount_options },
})

/** The hypervisor that compute_driver names. */
export async function openDriver(parts: LibvirtParts): Promise<VirtDriver> {
  const { config, images, clock } = parts
  const { host, state_path: statePath, compute_driver: name, instances_path: instancesPath } = config.DEFAULT
  if (name === null) throw DriverUnusable({ reason: 'Compute driver option required, but not specified' })
  if (/^(fake\.)?(Fake|MediumFake|SmallFake)Driver$/.test(name))
    return simulatedDriver(config, host, statePath, images, clock)
  if (name !== 'libvirt.LibvirtDriver')
    throw DriverUnusable({ reason: `Unable to load the virtualization driver ${name}` })
  const virtType = config.libvirt.virt_type
  if (virtType !== 'kvm' && virtType !== 'qemu') {
    throw DriverUnusable({ reason: `[libvirt] virt_type ${virtType} is not supported; use kvm or qemu.` })
  }
  const socketPath = socketOf(config.libvirt.connection_uri)
  return libvirtDriver(parts, { socketPath, instancesPath, virtType })
}
