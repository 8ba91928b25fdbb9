import type { ApiDeps } from '../deps.ts'

/** Tells a conductor that there is work. A lost message costs the time until the next sweep, never the operation. */
export async function wake(deps: ApiDeps, sagaId: string): Promise<void> {
  try {
    await deps.conductor.wake({ sagaId })
  } catch (error) {
    deps.log.warn({ saga_id: sagaId, err: error }, 'no conductor answered; the saga starts with the next sweep')
  }
}

export async function interrupt(deps: ApiDeps, sagaId: string): Promise<void> {
  try {
    await deps.conductor.interrupt({ sagaId })
  } catch (error) {
    deps.log.warn({ saga_id: sagaId, err: error }, 'no conductor answered; the saga sees the cancel at its next step')
  }
}
