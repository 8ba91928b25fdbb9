import { declareFault } from '#base'
import type { ActionName } from '#model'
import type { Store } from '#store'

export const ForbiddenWithShare = declareFault(
  'ForbiddenWithShare',
  'conflict',
  () => 'Feature not supported with instances that have shares.',
)

/** What would take the guest off its host, where its shares are mounted, or out of the memory that it shares. */
const refused: ReadonlySet<ActionName> = new Set([
  'rebuild',
  'resize',
  'migrate',
  'shelve',
  'suspend',
  'liveMigrate',
  'evacuate',
])

/** Nova says so before it looks at lock and state. In the transaction that accepts, no share can come in between. */
export async function mustHaveNoShares(store: Store, action: ActionName, instanceId: string): Promise<void> {
  if (refused.has(action) && (await store.serverShares.has(instanceId))) throw ForbiddenWithShare({})
}
