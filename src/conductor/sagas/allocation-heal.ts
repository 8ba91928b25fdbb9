import type { ServerTask } from '#bus'
import { removal } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { healAllocation } from '../reconcilers/audit/heal-allocation.ts'

/**
 * Makes placement say what the record says of one server. A saga, so that it comes between other work on the server and never
 * into it; there is nothing to take back.
 */
export const allocationHeal = removal<ConductorDeps, ServerTask, Store>('allocation-heal').step('allocation', (s, d) =>
  healAllocation(d, s.input.instanceId),
)
