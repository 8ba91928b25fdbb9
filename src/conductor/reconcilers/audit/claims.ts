import type { HostClaim } from '#store'
import { releaseHost } from '#store'
import type { ConductorDeps } from '../../deps.ts'
import { Suspects } from './suspects.ts'

/** Claims looked at in one round; the next round goes on behind them. */
const claimsAtOnce = 50

/** What is held by name and by amount belongs together; an empty claim is that of a move, whatever node it keeps. */
async function isHeld({ placement }: ConductorDeps, { consumerId, nodeId }: HostClaim): Promise<boolean> {
  const { allocations } = await placement.consumer(consumerId)
  return nodeId === '' ? Object.keys(allocations).length > 0 : nodeId in allocations
}

/** Takes back what is claimed of hosts by name without an allocation there, some claims a round. */
export class ClaimAudit {
  readonly #deps: ConductorDeps
  readonly #suspects = new Suspects()
  #next = 0

  constructor(deps: ConductorDeps) {
    this.#deps = deps
  }

  async round(): Promise<void> {
    const { store, log } = this.#deps
    const claims = await store.hostClaims.all()
    for (let i = 0; i < Math.min(claimsAtOnce, claims.length); i++) {
      const at = this.#next % claims.length
      // All claims are seen once between two looks at the same one.
      if (at === 0) this.#suspects.turn()
      this.#next = at + 1
      const claim = claims[at]
      if (claim === undefined || (await isHeld(this.#deps, claim))) continue
      const { consumerId, instanceId, nodeId } = claim
      // Somebody works on it, and may be between the one and the other.
      if ((await store.sagas.openOf(instanceId)).length > 0) continue
      if (!this.#suspects.note(`${nodeId} ${consumerId}`)) continue
      log.warn(
        { instance_id: instanceId, consumer_id: consumerId, node_id: nodeId },
        'claim on a host without an allocation',
      )
      await releaseHost(store, consumerId)
    }
  }
}
