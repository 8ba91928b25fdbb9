import { pythonRepr } from '#api/kit'
import type { Aggregate, Store } from '#store'
import { InvalidAggregateAction } from './faults.ts'
import type { CountServers } from './hosts.ts'

const zoneOf = ({ metadata }: Aggregate): string | undefined => metadata['availability_zone']

type Action = 'add' | 'update' | 'metadata'

/** A host is in one zone at most: no other aggregate with one of these hosts may name another zone. */
async function mustNotClash(store: Store, action: Action, it: Aggregate, zone: string, hosts: readonly string[]) {
  const others = (await store.aggregates.list()).filter(a => a.id !== it.id && a.hosts.some(h => hosts.includes(h)))
  const clashing = others.map(zoneOf).filter(z => z !== undefined && z !== zone)
  if (clashing.length === 0) return
  const reason = `One or more hosts already in availability zone(s) ${pythonRepr(clashing)}`
  throw InvalidAggregateAction({ action, id: it.id, reason })
}

/** For new metadata of an aggregate: its zone cannot be taken away, nor changed under instances. */
export async function mustAllowZone(
  store: Store,
  count: CountServers,
  action: 'update' | 'metadata',
  it: Aggregate,
  metadata: Readonly<Record<string, string | null | undefined>>,
): Promise<void> {
  if (!('availability_zone' in metadata)) return
  const { id, hosts } = it
  const zone = metadata['availability_zone']
  if (zone === null || zone === undefined || zone === '') {
    throw InvalidAggregateAction({
      action,
      id,
      reason: `Aggregate ${it.name} does not support empty named availability zone`,
    })
  }
  await mustNotClash(store, action, it, zone, hosts)
  if (zone !== zoneOf(it) && (await count(hosts)) > 0) {
    throw InvalidAggregateAction({ action, id, reason: 'One or more hosts contain instances in this zone' })
  }
}

/** Servers stay in the zone they were made in: a host that has some may not change its zone. */
async function mustStayInZone(
  countOn: CountServers,
  action: 'add' | 'remove',
  id: number,
  host: string,
  [from, to]: readonly [string | undefined, string | undefined],
): Promise<void> {
  const count = await countOn([host])
  if (from === to || count === 0) return
  const done = action === 'add' ? 'added to' : 'removed from'
  const reason =
    `The host cannot be ${done} the aggregate as the availability zone of the host would change from ` +
    `'${from ?? 'None'}' to '${to ?? 'None'}' but the host already has ${count} instance(s). Changing the AZ of an ` +
    'existing instance is not supported by this action. Move the instances away from this host then try again. If you ' +
    'need to move the instances between AZs then you can use shelve_offload and unshelve to achieve this.'
  throw InvalidAggregateAction({ action, id, reason })
}

const otherZone = async (store: Store, it: Aggregate, host: string): Promise<string | undefined> =>
  (await store.aggregates.list())
    .filter(a => a.id !== it.id && a.hosts.includes(host))
    .map(zoneOf)
    .find(z => z !== undefined)

export async function mustAllowHost(store: Store, count: CountServers, it: Aggregate, host: string): Promise<void> {
  const zone = zoneOf(it)
  if (zone === undefined) return
  await mustNotClash(store, 'add', it, zone, [host])
  const now = it.hosts.includes(host) ? zone : await otherZone(store, it, host)
  await mustStayInZone(count, 'add', it.id, host, [now, zone])
}

export async function mustAllowLeaving(store: Store, count: CountServers, it: Aggregate, host: string): Promise<void> {
  const zone = zoneOf(it)
  if (zone !== undefined) await mustStayInZone(count, 'remove', it.id, host, [zone, await otherZone(store, it, host)])
}
