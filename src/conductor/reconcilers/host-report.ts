import { declareFault } from '#base'
import type { HostReport } from '#bus'
import { disabledTrait, type Inventory } from '#cloud'
import { ownedByNova } from '#model'
import { reportDevices } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { noticesOf } from '../notices.ts'
import { countDevices } from './pci-report.ts'

/** One class of a host: no granularity beyond whole units. */
const inventory = (total: number, reserved: number, allocationRatio: number): Inventory => ({
  total,
  reserved: Math.min(reserved, total),
  minUnit: 1,
  maxUnit: Math.max(total, 1),
  stepSize: 1,
  allocationRatio,
})

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(x => b.includes(x))

export const ComputeNodeChanged = declareFault(
  'ComputeNodeUuidMismatch',
  'refused',
  (p: { host: string; known: string; told: string }) =>
    `Host ${p.host} is known as compute node ${p.known}, and says that it is ${p.told}: it has lost the file compute_id in ` +
    'its state_path. Put it back with the known id in it; or, if nothing of the old host is left, delete its compute service.',
)

/** A host that comes with another id would claim again what it has given away under the old one. */
async function mustBeTheSame({ store }: ConductorDeps, { host, nodeId, description }: HostReport): Promise<void> {
  const before = await store.computeNodes.find({ host })
  if (before !== undefined && before.description.hypervisorHostname === description.hypervisorHostname)
    throw ComputeNodeChanged({ host, known: before.uuid, told: nodeId })
}

/**
 * Carries a host's report into the records and into placement. Nothing is written to placement that is there already, so
 * a quiet cloud stays quiet.
 */
export async function carryIn(deps: ConductorDeps, report: HostReport): Promise<void> {
  const { store, placement, clock } = deps
  const { description, ratios, reserved } = report
  const { extraInventories, ...node } = description
  const known = await store.computeNodes.find({ uuid: report.nodeId })
  if (known === undefined) await mustBeTheSame(deps, report)
  if ((known?.failedBuilds ?? 0) > 0) deps.failingNodes?.add(report.nodeId)
  await store.computeNodes.save(
    {
      uuid: report.nodeId,
      host: report.host,
      description: node,
      cpuAllocationRatio: ratios.cpu,
      ramAllocationRatio: ratios.ram,
      diskAllocationRatio: ratios.disk,
      reserved,
      metrics: report.metrics ?? [],
      ...(known === undefined ? {} : { failedBuilds: known.failedBuilds }),
    },
    clock.now(),
  )
  await tellMetrics(deps, report)
  const devicesBefore = await store.pciDevices.on(report.nodeId)
  await reportDevices(store, report.nodeId, report.devices ?? [])
  await placement.ensureProvider({ id: report.nodeId, name: node.hypervisorHostname })
  const wanted: Record<string, Inventory> = {
    ...(node.vcpus > 0 ? { VCPU: inventory(node.vcpus, reserved.vcpus, ratios.cpu) } : {}),
    MEMORY_MB: inventory(node.memoryMiB, reserved.memoryMiB, ratios.ram),
    ...(node.localDiskGiB > 0 ? { DISK_GB: inventory(node.localDiskGiB, reserved.diskGiB, ratios.disk) } : {}),
    ...extraInventories,
  }
  if (JSON.stringify(sorted(await placement.inventories(report.nodeId))) !== JSON.stringify(sorted(wanted))) {
    await placement.setInventories(report.nodeId, wanted)
  }
  await countDevices(deps, report, devicesBefore)
  const { hypervisorHostname } = node
  await deps.networkCapacity?.report({ id: report.nodeId, host: report.host, hypervisorHostname })
  await setTraits(deps, report.host, report.nodeId, node.traits)
}

/** What its monitors have measured, for whoever wants it. */
async function tellMetrics(deps: ConductorDeps, { host, description, metrics = [] }: HostReport): Promise<void> {
  const notices = noticesOf(deps)
  if (!notices.isOn || metrics.length === 0) return
  const { hypervisorHostname: node, hostIp } = description
  const told = metrics.map(({ name, value, source, atMs }) => ({ name, value, source, timestampMs: atMs }))
  await notices.together(deps.store, tx => notices.tell(tx, 'metrics.update', { host, node, hostIp, metrics: told }))
}

const sorted = (inventories: Readonly<Record<string, Inventory>>) =>
  Object.entries(inventories)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, i]) => [name, i.total, i.reserved, i.minUnit, i.maxUnit, i.stepSize, i.allocationRatio])

async function setTraits(
  deps: ConductorDeps,
  host: string,
  nodeId: string,
  reported: readonly string[],
): Promise<void> {
  const service = await deps.store.services.find(host, 'nova-compute')
  const now = await deps.placement.traits(nodeId)
  // Traits that an operator has added by hand stay.
  const custom = now.filter(t => t.startsWith('CUSTOM_') && !reported.includes(t))
  const ofService = service?.isDisabled === true ? [disabledTrait] : []
  const wanted = [...new Set([...reported, ownedByNova, ...custom, ...ofService])]
  if (!sameSet(wanted, now)) await deps.placement.setTraits(nodeId, wanted)
}
