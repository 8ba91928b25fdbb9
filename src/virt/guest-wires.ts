import type { InstanceId } from '#base'

/**
 * Where agents of the network wire guests: they begin when the guest's interface is on the host, so the guest stands still
 * until they are done. Absent where everything is wired before a guest starts.
 */
export interface GuestWires {
  /** How long a guest waits; 0: not at all. */
  readonly timeoutMs: number
  /** Whether a guest whose time is over fails, or starts without. */
  readonly isFatal: boolean
  /** Those of these ports that the network has not reported to be up. `isSure`: it is asked, whatever it has told. */
  down(id: InstanceId, portIds: readonly string[], isSure: boolean): Promise<readonly string[]>
}
