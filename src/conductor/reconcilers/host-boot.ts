import type { ConductorDeps } from '../deps.ts'
import { isFenced } from '../instance-ha/fence.ts'
import { beginInstead } from './saga-in-stead.ts'

/**
 * A host has started, and these guests of it are off: those of which the record says that they run are rebooted, as the
 * record knows nothing of the end of the host. Returns the sagas that do it.
 */
export async function resumeGuests(
  deps: ConductorDeps,
  host: string,
  off: readonly string[],
): Promise<readonly string[]> {
  const begun: string[] = []
  if (await isFenced(deps, host)) return begun
  for (const id of off) {
    const instance = await deps.store.instances.find(id)
    if (instance?.host !== host || instance.powerState !== 1 || instance.vmState !== 'active') continue
    const sagaId = await beginInstead(deps, id, {
      saga: 'server-reboot',
      input: { kind: 'hard' },
      taskState: 'rebooting_hard',
      expected: { vmState: 'active', host },
    })
    if (sagaId === undefined) continue
    deps.log.info({ instance_id: id, host }, 'guest ran when its host went down; starting it')
    begun.push(sagaId)
  }
  return begun
}
