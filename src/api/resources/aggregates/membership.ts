import { ProviderNotFound } from '#cloud'
import type { Aggregate } from '#store'
import { ofHost } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

/** Placement knows host aggregates by their uuid; the scheduler asks it for hosts of a zone. */
const mirror = async (deps: ApiDeps, host: string, aggregates: readonly Aggregate[]): Promise<void> => {
  const own = await ofHost(deps, host)
  const nodes = ((await own?.store.computeNodes.list()) ?? []).filter(node => node.host === host)
  const uuids = aggregates.map(aggregate => aggregate.uuid)
  for (const node of nodes) await deps.placement.setAggregates(node.uuid, uuids)
}

const having = async (deps: ApiDeps, host: string): Promise<readonly Aggregate[]> =>
  (await deps.store.aggregates.list()).filter(aggregate => aggregate.hosts.includes(host))

/** After the records: a placement that does not know it yet only narrows the choice of hosts. */
export async function mirrorJoined(deps: ApiDeps, host: string): Promise<void> {
  try {
    await mirror(deps, host, await having(deps, host))
  } catch (error) {
    deps.log.warn(
      { host, err: error },
      'host aggregates not in placement; nova-manage placement sync_aggregates mends it',
    )
  }
}

/** Before the records: if it fails, the operator can ask again. */
export async function mirrorLeaving(deps: ApiDeps, host: string, left: Aggregate): Promise<void> {
  const others = (await having(deps, host)).filter(aggregate => aggregate.id !== left.id)
  await mirror(deps, host, others).catch((error: unknown) => {
    if (!ProviderNotFound.is(error)) throw error
  })
}
