import { newUuid } from '#base'
import type { Caller } from '#cloud'
import { type Flavor, type Instance, InstanceNotReady, type MigrationType, type RequestSpec } from '#model'
import type { NewMigration, Store } from '#store'
import type { ApiDeps } from '../deps.ts'
import { excess, QuotaExceeded } from '../quota/index.ts'
import { portsNow } from './port-wishes.ts'

const nothing = { vcpus: 0, memoryMiB: 0 } as const

/** What a server of the new flavor has more than one of the old. */
export const growth = (from: Flavor, to: Flavor): NewMigration['pending'] => ({
  vcpus: Math.max(0, to.vcpus - from.vcpus),
  memoryMiB: Math.max(0, to.memoryMiB - from.memoryMiB),
})

/**
 * Refuses a growth that the quota has no room for. In the transaction that notes it as pending the count is exact, however
 * many resizes and builds come at once. A resize that does not grow is not counted.
 */
export async function mustFitQuota(
  tx: Store,
  deps: ApiDeps,
  instance: Instance,
  { vcpus, memoryMiB }: NewMigration['pending'],
): Promise<void> {
  if (vcpus === 0 && memoryMiB === 0) return
  const found = await excess(tx, deps, instance, { instances: 0, cores: vcpus, ram: memoryMiB })
  const resources = found.filter(({ resource }) => resource !== 'instances')
  if (resources.length > 0) throw QuotaExceeded({ resources })
}

/** The record of a move that begins now, in the name of the caller. */
export function newMigration(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  move: { readonly type: MigrationType; readonly status: string; readonly flavor?: Flavor; readonly host?: string },
): NewMigration {
  if (instance.host === null) throw InstanceNotReady({ id: instance.id })
  const isEvacuation = move.type === 'evacuation'
  const flavor = move.flavor ?? instance.flavor
  return {
    uuid: newUuid(),
    instanceId: instance.id,
    type: move.type,
    status: move.status,
    sourceHost: instance.host,
    sourceNode: instance.node,
    destHost: move.host ?? null,
    destNode: null,
    destIp: null,
    oldFlavor: isEvacuation ? null : instance.flavor,
    newFlavor: isEvacuation ? null : flavor,
    userId: caller.userId,
    projectId: caller.projectId,
    isCrossCell: false,
    pending: isEvacuation ? nothing : growth(instance.flavor, flavor),
    createdAtMs: deps.clock.now(),
  }
}

/** What the server was once asked to be, without the host it was then forced to. */
export async function moveSpec(deps: ApiDeps, instance: Instance): Promise<RequestSpec> {
  const stored = await deps.store.requestSpecs.find(instance.id)
  const { projectId, userId, flavor, image } = instance
  const asBuilt: RequestSpec = stored ?? {
    projectId,
    userId,
    flavor,
    image,
    isVolumeBacked: false,
    requestedZone: instance.requestedZone,
    destination: null,
    ignoreHosts: [],
    hints: {},
    networkIds: instance.networkInfo.map(vif => vif.networkId),
    serverGroup: null,
  }
  return { ...asBuilt, ...(await portsNow(deps, instance)), flavor, destination: null, ignoreHosts: [] }
}
