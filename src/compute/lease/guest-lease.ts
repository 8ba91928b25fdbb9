import type { Clock, Log } from '#base'
import type { LeaseAnswer } from '#bus'
import type { Fencing } from '#virt'
import { bootTimeMs } from './boot-time.ts'
import { enforceLease } from './enforce.ts'
import type { Guard } from './guard.ts'
import { readLease, writeLease } from './lease-file.ts'

export interface GuestLeaseParts {
  readonly file: string
  /** After the sending of each heartbeat that was granted. */
  readonly leaseMs: number
  readonly fencing: Fencing
  /** Where guests outlive this process. */
  readonly guard: Guard | undefined
  readonly clock: Clock
  readonly log: Log
  readonly nowMs?: () => number
}

/**
 * By which the guests of this host run, where `[instance_ha] self_fence` says so: each granted heartbeat renews it, and when
 * it is over this process and its guard kill the guests. So a conductor that has heard nothing for longer knows that none runs.
 *
 * Theory of operation. A lease counts from the sending of a heartbeat, and the conductor's from its arrival, which is later.
 * The conductor writes down that there is a lease before it grants it; the host writes down that there is none any more only
 * after a heartbeat that said so was answered. So wherever a message is lost or a process dies, the host's lease ends first.
 */
export class GuestLease {
  readonly #parts: GuestLeaseParts
  #untilMs: number | null = null
  #guardPid: number | null = null
  #stop: () => void = () => undefined

  private constructor(parts: GuestLeaseParts) {
    this.#parts = parts
  }

  /** Takes up the lease that an earlier process of this host had. */
  static async open(parts: GuestLeaseParts): Promise<GuestLease> {
    const lease = new GuestLease(parts)
    lease.#untilMs = (await readLease(parts.file))?.untilMs ?? null
    lease.#stop = enforceLease({ ...parts, isKnownOver: () => !lease.isHeld })
    return lease
  }

  #now(): number {
    return (this.#parts.nowMs ?? bootTimeMs)()
  }

  /** Whether guests may be started. */
  get isHeld(): boolean {
    return this.#untilMs === null || this.#now() < this.#untilMs
  }

  /**
   * One heartbeat. `send` is told for how long the guests run from now on without an answer, or nothing where nobody would see
   * to it, and gives the answer.
   */
  async beat(send: (promise: { leaseMs?: number }) => Promise<LeaseAnswer | undefined>): Promise<void> {
    const { leaseMs, guard, log } = this.#parts
    const pid = guard === undefined ? null : await guard.watching()
    this.#guardPid = pid ?? null
    const sentAtMs = this.#now()
    const answer = await send(pid === undefined ? {} : { leaseMs })
    if (pid === undefined) return this.#write(null)
    if (answer === 'granted') return this.#write(sentAtMs + leaseMs)
    if (answer !== 'refused') return
    if (this.isHeld) log.error('this host counts as fenced: its servers may be elsewhere, and its guests are killed')
    await this.#write(0)
  }

  /** For a process that stops on purpose: the guests go on, and nobody will take their end for certain. */
  async giveUp(send: () => Promise<unknown>): Promise<void> {
    await send()
    await this.#write(null)
  }

  stop(): void {
    this.#stop()
  }

  /** What could not be written is not held: the guard knows nothing of it. */
  async #write(untilMs: number | null): Promise<void> {
    await writeLease(this.#parts.file, { untilMs, guardPid: this.#guardPid })
    this.#untilMs = untilMs
  }
}
