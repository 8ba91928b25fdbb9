/**
 * The built-in volume service: a Cinder v3 with its own tables and a folder of raw, sparse files.
 *
 * It owns volumes, their snapshots, attachments, types, transfers and quotas, and their contents. It promises that a
 * volume that is available has its whole content, that two can never reserve one volume, that work cut off by kill -9 is
 * finished or ends in `error` at the next start, and that nobody sees what Cinder would hide. The other services of the
 * process call `port`; clients speak to `face`.
 */
export type { ComputeLink, VolumeEvent } from './core.ts'
export { createVolumeService, type VolumeOptions, type VolumeService } from './service.ts'
