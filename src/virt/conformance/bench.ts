import type { InstanceId } from '#base'
import type { VirtDriver } from '../driver.ts'
import type { GuestImage, GuestVif, GuestVolume } from '../guest-spec.ts'

/** What a driver under test must come with. One bench serves all tests of the suite, in order. */
export interface Bench {
  /** The present driver; another one after `reopen`. */
  readonly driver: VirtDriver
  /** Another host, for drivers that move guests. */
  readonly second?: VirtDriver
  /** Closes the driver and opens a new one over the same guests, as a restart of the control plane does. */
  reopen(): Promise<void>
  /** An image that boots the test guest of the project: it prints `guest:` lines and hears the power button. */
  readonly image: GuestImage
  /** Real guests take seconds, fake ones none. */
  readonly bootDeadlineMs: number
  /** Enough for the test guest. */
  readonly memoryMiB: number
  /** A network interface that the host can make now. */
  vif(): GuestVif
  /** A volume of 1 GiB that the host can reach; without it any will do. */
  volume?(): GuestVolume
  /** Ends the guest's process from outside. */
  kill(id: InstanceId): Promise<void>
  /** Names of files, definitions and processes that remain of a guest. */
  leftovers(id: InstanceId): Promise<readonly string[]>
}
