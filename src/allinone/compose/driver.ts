import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Clock, declareFault, type Log } from '#base'
import type { ImagePort } from '#cloud'
import { imageSource } from '#compute'
import type { Config } from '#config'
import type { VirtDriver } from '#virt'
import { createFakeDriver } from '#virt/fake'
import { createLibvirtDriver } from '#virt/libvirt'
import { nodePath } from './compute.ts'
import { configDriveWriter } from './config-drive.ts'

export const DriverUnusable = declareFault('DriverUnusable', 'final', (p: { reason: string }) => p.reason)

const socketOf = (uri: string): string => {
  if (uri === '' || /^qemu(\+unix)?:\/\/\/system$/.test(uri)) return '/run/libvirt/libvirt-sock'
  const socket = /^qemu\+unix:\/\/\/system\?socket=(\/.+)$/.exec(uri)?.[1]
  if (socket !== undefined) return socket
  throw DriverUnusable({
    reason: `[libvirt] connection_uri ${uri}: only qemu:///system and qemu+unix:///system?socket=/path are supported.`,
  })
}

/** The hypervisor that compute_driver names. */
export async function openDriver(parts: {
  config: Config
  images: () => ImagePort
  log: Log
  clock: Clock
}): Promise<VirtDriver> {
  const { config, images, log, clock } = parts
  const { host, state_path: statePath, compute_driver: name, instances_path: instancesPath } = config.DEFAULT
  if (name === null) throw DriverUnusable({ reason: 'Compute driver option required, but not specified' })
  if (/^(fake\.)?(Fake|MediumFake|SmallFake)Driver$/.test(name)) {
    const stateFile = join(nodePath(statePath, host), 'guests.jsonl')
    return createFakeDriver({ hostName: host, vcpus: 64, memoryMiB: 262_144, diskGiB: 4096, stateFile, clock })
  }
  if (name !== 'libvirt.LibvirtDriver')
    throw DriverUnusable({ reason: `Unable to load the virtualization driver ${name}` })
  const virtType = config.libvirt.virt_type
  if (virtType !== 'kvm' && virtType !== 'qemu') {
    throw DriverUnusable({ reason: `[libvirt] virt_type ${virtType} is not supported; use kvm or qemu.` })
  }
  return createLibvirtDriver({
    socketPath: socketOf(config.libvirt.connection_uri),
    instancesPath,
    imageSource: imageSource(images()),
    virtType,
    writeConfigDrive: configDriveWriter(config),
    log: log.child({ service: 'libvirt' }),
    clock,
    hypervisorHostname: hostname(),
    tbCacheMiB: config.libvirt.tb_cache_size ?? 64,
  })
}
