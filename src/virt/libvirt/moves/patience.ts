import { GiB, type InstanceId } from '#base'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainById, isLibvirtError, procedures } from '../rpc/index.ts'
import { type MigrationSettings, pauseSteps } from './settings.ts'

/** Lets the guest's last pause grow with the time that the copy takes. */
export class Downtime {
  readonly #context: GuestContext
  readonly #id: InstanceId
  readonly #steps: ReturnType<typeof pauseSteps>
  #set = 0

  constructor(context: GuestContext, id: InstanceId, gib: number) {
    this.#context = context
    this.#id = id
    this.#steps = pauseSteps(context.migration, gib)
  }

  async follow(elapsedMs: number): Promise<void> {
    const ms = this.#steps.findLast(([after]) => after * 1000 <= elapsedMs)?.[1] ?? 0
    if (ms <= this.#set) return
    this.#set = ms
    try {
      await this.#context.client.call(procedures.setMaxDowntime, { domain: domainById(this.#id), ms }, 'short')
    } catch (error) {
      // Over meanwhile.
      if (!isLibvirtError(error)) throw error
    }
  }
}

/** Below this size a copy has the time that this size would have. */
const leastGiB = 2

export const sizeInGiB = (bytes: number): number => Math.max(leastGiB, Math.ceil(bytes / GiB))

/** What is to be done about a copy that has gone on for so long. */
export function timeoutAction(
  { completion }: MigrationSettings,
  gib: number,
  elapsedMs: number,
): 'abort' | 'force_complete' | undefined {
  const { secondsPerGiB, action } = completion
  return secondsPerGiB > 0 && elapsedMs > secondsPerGiB * gib * 1000 ? action : undefined
}
