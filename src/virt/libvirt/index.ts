/**
 * The real hypervisor: QEMU through libvirt. Owns everything under `instancesPath` and the definitions of its guests;
 * promises what VirtDriver promises, also after kill -9 of this process or of libvirtd, and that guests outlive both.
 * `startLibvirt` provides a daemon where the machine runs none. Called by nova-compute and the all-in-one.
 */

export { type LibvirtDaemon, type StartLibvirtOptions, startLibvirt, stopEverything } from './daemon/daemon.ts'
export { certificatesOf, type SeparateHost } from './daemon/daemon-config.ts'
export { aptPackages } from './daemon/packages.ts'
export type { ConfigDriveWriter } from './disks/config-drive.ts'
export { mkfsCommands } from './disks/spare-disks.ts'
export type { StorageOptions } from './disks/storage.ts'
export { type CpuMode, cacheModesOf, type VirtType } from './domain/index.ts'
export { createLibvirtDriver, type LibvirtDriverOptions } from './driver.ts'
export { libvirtFencing } from './guest/kill-guests.ts'
export { inspectImage } from './images/image-format.ts'
export type { ImageFormat, ImageInspection } from './images/image-inspection.ts'
export type { MigrationSettings } from './moves/settings.ts'
export type { VolumeOptions } from './volumes/volume-options.ts'
