import { newUuid } from '#base'
import { type Caller, portsNow } from '#cloud'
import { type Instance, type MoveBegun, migrationBegun, type RequestSpec, specForMove } from '#model'
import type { NewMigration, Store } from '#store'
import type { ApiDeps } from '../deps.ts'
import { type Counted, excess, QuotaExceeded } from '../quota/index.ts'

/**
 * Refuses a growth that the quota has no room for. In the transaction that notes it as pending the count is exact, however
 * many resizes and builds come at once. A resize that does not grow is not counted.
 */
export async function mustFitQuota(
  tx: Store,
  deps: ApiDeps,
  instance: Instance,
  { vcpus, memoryMiB }: NewMigration['pending'],
  counted: Counted | undefined,
): Promise<void> {
  if (vcpus === 0 && memoryMiB === 0) return
  const found = await excess(tx, deps, instance, { instances: 0, cores: vcpus, ram: memoryMiB }, counted)
  const resources = found.filter(({ resource }) => resource !== 'instances')
  if (resources.length > 0) throw QuotaExceeded({ resources })
}

/** The record of a move that begins now, in the name of the caller. */
export const newMigration = (
  { clock }: ApiDeps,
  { userId, projectId }: Caller,
  instance: Instance,
  move: Pick<MoveBegun, 'type' | 'status' | 'flavor' | 'host'>,
): NewMigration =>
  migrationBegun(instance, { ...move, uuid: newUuid(), asker: { userId, projectId }, nowMs: clock.now() })

/** What the server was once asked to be, without the host it was then forced to. */
export const moveSpec = async (deps: ApiDeps, instance: Instance): Promise<RequestSpec> =>
  specForMove(instance, await deps.store.requestSpecs.find(instance.id), await portsNow(deps, instance))
