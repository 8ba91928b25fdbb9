/**
 * The built-in image service: a small Glance v2 with its own tables and a folder of files.
 *
 * It owns images, their members and their bits. It promises that an active image has all its bits with the hashes it
 * shows, that an interrupted upload leaves a queued image and no file, and that nobody sees what Glance would hide. The
 * other services of the process call `port` (and `register`, for images made here); clients speak to `face`.
 */
export type { ImageRegister, Reservation } from './register.ts'
export { createImageService, type ImageOptions, type ImageService } from './service.ts'
