/** What the target tells the source's libvirt driver. */
export interface LandingDetail {
  readonly host: string
  readonly address: string
  /** The definition as the target would make it. */
  readonly xml: string
  readonly isShared: boolean
}
