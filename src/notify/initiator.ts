import { AsyncLocalStorage } from 'node:async_hooks'
import type { Initiator } from './build/about.ts'

const nobody: Initiator = { userId: null, projectId: null, requestId: null }
const current = new AsyncLocalStorage<Initiator>()

/** In whose name whatever runs now is done. */
export const initiator = (): Initiator => current.getStore() ?? nobody

/** Everything that `work` does is done in that name. */
export const inTheNameOf = <T>(who: Initiator, work: () => T): T => current.run(who, work)
