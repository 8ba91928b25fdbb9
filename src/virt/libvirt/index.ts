/**
 * The real hypervisor: QEMU through libvirt. Owns everything under `instancesPath` and the definitions of its guests;
 * promises what VirtDriver promises, also after kill -9 of this process or of libvirtd, and that guests outlive both.
 * `startLibvirt` provides a daemon where the machine runs none. Called by nova-compute and the all-in-one.
 */
export type { ConfigDriveWriter } from './config-drive.ts'
export { type LibvirtDaemon, type StartLibvirtOptions, startLibvirt, stopEverything } from './daemon.ts'
export type { SeparateHost } from './daemon-config.ts'
export { type CpuMode, cacheModesOf, type VirtType } from './domain/index.ts'
export { createLibvirtDriver, type LibvirtDriverOptions } from './driver.ts'
export { inspectImage } from './image-format.ts'
export type { ImageFormat, ImageInspection } from './image-inspection.ts'
export type { MigrationSettings } from './moves/settings.ts'
export { aptPackages } from './packages.ts'
export { mkfsCommands } from './spare-disks.ts'
export type { StorageOptions } from './storage.ts'
export type { VolumeOptions } from './volume-options.ts'
