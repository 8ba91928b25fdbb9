import { Fault } from '#base'
import { NoCapacity, PlacementConflict, type PlacementPort } from '#cloud'
import type { RequestSpec } from '#model'
import { AllocationUpdateFailed } from './faults.ts'
import type { Attempt, AttemptAnswer } from './select.ts'

/** Nova's number: a provider that changed under the claim is worth so many more tries. */
const retries = 3

/**
 * Claims one candidate. A refusal is a normal answer. Throws what no other host would mend: placement does not answer,
 * or the instance holds other allocations already.
 */
export async function claim(placement: PlacementPort, spec: RequestSpec, attempt: Attempt): Promise<AttemptAnswer> {
  for (let tries = 0; ; tries++) {
    try {
      await placement.claim({
        consumerId: attempt.instanceId,
        allocations: attempt.request.allocations,
        projectId: spec.projectId,
        userId: spec.userId,
        consumerType: 'INSTANCE',
      })
      return true
    } catch (error) {
      if (NoCapacity.is(error) || isUnknownName(error)) return error.message
      if (!PlacementConflict.is(error)) throw error
      await refuseHeld(placement, attempt, error)
      if (tries >= retries) return error.message
    }
  }
}

async function refuseHeld(placement: PlacementPort, { instanceId }: Attempt, cause: unknown): Promise<void> {
  const { allocations } = await placement.consumer(instanceId)
  const providers = Object.keys(allocations)
  if (providers.length === 0) return
  const error = `it already holds allocations on ${providers.join(', ')}`
  throw AllocationUpdateFailed({ consumer: instanceId, error }, { cause })
}

/** Placement knows no such provider (gone since it was a candidate), class or trait: to ask again changes nothing. */
export const isUnknownName = (error: unknown): error is Fault =>
  error instanceof Fault && (error.kind === 'refused' || error.kind === 'missing')
