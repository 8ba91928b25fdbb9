/** One build of a UEFI, as its descriptor under /usr/share/qemu/firmware tells of it. */
export interface Loader {
  readonly executable: string
  /** What a guest's own variables begin as; null: a build that keeps none. */
  readonly nvramTemplate: string | null
  /** `secure-boot`, `requires-smm`, … */
  readonly features: readonly string[]
  readonly targets: readonly { readonly architecture: string; readonly machines: readonly string[] }[]
}
