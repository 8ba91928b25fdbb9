export type GuestBuildStage = 'wait' | 'fetch' | 'unpack' | 'compile' | 'root' | 'disk' | 'done'

/** One step of a build, for people. `percent` only where it is known (the compile). */
export interface GuestBuildProgress {
  readonly stage: GuestBuildStage
  readonly message: string
  readonly percent?: number
}

export interface GuestBuildOptions {
  /** Kept between builds: kernels, finished images, and the work folders of builds under way. */
  readonly cacheDir: string
  readonly progress?: (progress: GuestBuildProgress) => void
  /** Ends the build within a second; nothing half made stays behind. */
  readonly signal?: AbortSignal
}
