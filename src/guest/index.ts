/**
 * Guest images of the all-in-one cloud, built on this machine from Debian 12 packages only: `stock` (Debian's cloud
 * kernel, in seconds) and `tiny` (own kernel, compiled once; the image called cirros).
 *
 * Owns the recipes, the guest's root tree (rootfs/), its kernel configuration and a cache folder that the caller names.
 * Promises: no root rights; an image is there whole or not at all, whatever was killed when; equal inputs are built once,
 * also by several processes; an abort ends everything within a second. Expected failures are faults.
 * Called by the all-in-one, its installer (guestPackages) and tests.
 */
export { guestCache } from './cache.ts'
export * from './faults.ts'
export { buildStockImage, buildTinyImage, type GuestImage } from './image.ts'
export { type GuestImageKind, type GuestPackage, guestPackages, guestRequirements } from './packages.ts'
export type { GuestBuildOptions, GuestBuildProgress, GuestBuildStage } from './progress.ts'
