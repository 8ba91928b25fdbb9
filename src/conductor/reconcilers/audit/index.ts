import type { ConductorDeps } from '../../deps.ts'
import { AllocationAudit } from './allocations.ts'
import { ClaimAudit } from './claims.ts'
import { GoneServersAudit } from './gone-servers.ts'
import { auditImages } from './images.ts'
import { auditWork } from './lost-work.ts'
import { Suspects } from './suspects.ts'

/**
 * Looks for what the sagas cannot know: claims that arrived when their saga was over, things whose maker died before he could
 * write down what they are for, records that somebody edited. Finds it, says so, and mends it.
 */
export class Audit {
  readonly #deps: ConductorDeps
  readonly #suspects = new Suspects()
  readonly #allocations: AllocationAudit
  readonly #claims: ClaimAudit
  readonly #gone: GoneServersAudit

  constructor(deps: ConductorDeps) {
    this.#deps = deps
    this.#allocations = new AllocationAudit(deps)
    this.#claims = new ClaimAudit(deps)
    this.#gone = new GoneServersAudit(deps)
  }

  /** One bounded look at everything; returns the sagas that mend living servers. One part that fails spares the others. */
  async round(graceMs: number): Promise<readonly string[]> {
    const begun: string[] = []
    const parts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['allocations', async () => begun.push(...(await this.#allocations.round()))],
      ['claims', () => this.#claims.round()],
      ['deleted servers', () => this.#gone.round(graceMs)],
      ['images', () => auditImages(this.#deps, this.#suspects)],
      ['work', () => auditWork(this.#deps, this.#suspects)],
    ]
    for (const [what, look] of parts) {
      try {
        await look()
      } catch (error) {
        this.#deps.log.warn({ err: error }, `audit of ${what} failed; the next round looks again`)
      }
    }
    this.#suspects.turn()
    return begun
  }
}
