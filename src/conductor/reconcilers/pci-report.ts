import { Fault } from '#base'
import type { HostReport } from '#bus'
import type { PlacementPort } from '#cloud'
import {
  type HeldPciDevice,
  isStandardTrait,
  ownedByNova,
  type PciDevice,
  PciPlacementInvalid,
  pciProviderId,
  pciProviderName,
  pciResourceClass,
  pciTraits,
  providerAddress,
  standardResourceClasses,
} from '#model'
import type { ConductorDeps } from '../deps.ts'

const managed = 'COMPUTE_MANAGED_PCI_DEVICE'

/** One provider of placement: a device, or the virtual functions of one. */
interface DeviceProvider {
  readonly id: string
  readonly name: string
  readonly resourceClass: string
  readonly traits: readonly string[]
  readonly total: number
}

const refuse = (reason: string) => PciPlacementInvalid({ reason })

const isStandardClass = (name: string): boolean => standardResourceClasses.includes(name)

const namesIn = (text: string | undefined): readonly string[] =>
  (text ?? '').split(',').flatMap(name => (name.trim() === '' ? [] : [name.trim()]))

const classOf = (device: PciDevice): string => pciResourceClass(device.tags['resource_class'], device, isStandardClass)

const traitsOf = (device: PciDevice): readonly string[] =>
  [...new Set([...pciTraits(namesIn(device.tags['traits']), isStandardTrait), managed, ownedByNova])].sort()

function providerOf(report: HostReport, devices: readonly [PciDevice, ...PciDevice[]]): DeviceProvider {
  const [first] = devices
  const addresses = devices.map(device => device.address).join(', ')
  const isParent = (device: PciDevice) => device.address === providerAddress(first)
  if (devices.length > 1 && devices.some(isParent))
    throw refuse(`Both the physical function and virtual functions of it are given to guests: ${addresses}`)
  const [resourceClass, traits] = [classOf(first), traitsOf(first)]
  if (devices.some(device => classOf(device) !== resourceClass))
    throw refuse(`VFs from the same PF cannot be configured with different 'resource_class' values: ${addresses}`)
  if (devices.some(device => traitsOf(device).join() !== traits.join()))
    throw refuse(`VFs from the same PF cannot be configured with different set of 'traits': ${addresses}`)
  const name = pciProviderName(report.description.hypervisorHostname, first)
  return { id: pciProviderId(report.nodeId, first), name, resourceClass, traits, total: devices.length }
}

/** Devices of physical networks are for ports, and are not counted in placement. */
const isCounted = (device: PciDevice): boolean => !device.tags['physical_network']

async function write(placement: PlacementPort, nodeId: string, wanted: DeviceProvider): Promise<void> {
  const { id, name, resourceClass, total } = wanted
  await placement.ensureProvider({ id, name, parentId: nodeId })
  const now = (await placement.inventories(id))[resourceClass]
  if (now?.total !== total || now.maxUnit !== total) {
    // What an operator has reserved by hand stays reserved.
    const reserved = Math.min(now?.reserved ?? 0, total)
    const one = { total, reserved, minUnit: 1, maxUnit: total, stepSize: 1, allocationRatio: 1 }
    await placement.setInventories(id, { [resourceClass]: one })
  }
  const traits = [...(await placement.traits(id))].sort()
  if (traits.join() !== wanted.traits.join()) await placement.setTraits(id, wanted.traits)
}

/** What a server has of the providers, by their ids. */
function amountsOf(devices: readonly HeldPciDevice[], nodeId: string, wanted: readonly DeviceProvider[]) {
  const classes = new Map(wanted.map(provider => [provider.id, provider.resourceClass]))
  const amounts = new Map<string, Record<string, number>>()
  for (const device of devices.filter(isCounted)) {
    const id = pciProviderId(nodeId, device)
    const resourceClass = classes.get(id)
    if (resourceClass === undefined) continue
    const now = amounts.get(id)?.[resourceClass] ?? 0
    amounts.set(id, { [resourceClass]: now + 1 })
  }
  return amounts
}

/**
 * Servers hold in placement the devices that they have, also those placed while placement was not asked for devices. Moves
 * keep what they were handed; a server without any allocation is the audit's business.
 */
async function countHeld(d: ConductorDeps, { nodeId }: HostReport, wanted: readonly DeviceProvider[]): Promise<void> {
  const held = (await d.store.pciDevices.on(nodeId)).filter(device => device.consumerId !== null)
  for (const [consumerId, devices] of Map.groupBy(held, device => device.consumerId ?? '')) {
    const instance = await d.store.instances.find(consumerId)
    // Somebody works on it, and may be between the one and the other.
    if (instance === undefined || (await d.store.sagas.openOf(consumerId)).length > 0) continue
    const { allocations } = await d.placement.consumer(consumerId)
    const missing = [...amountsOf(devices, nodeId, wanted)].filter(
      ([id, amounts]) => JSON.stringify(allocations[id]) !== JSON.stringify(amounts),
    )
    if (missing.length === 0 || allocations[nodeId] === undefined) continue
    const { projectId, userId } = instance
    const all = { ...allocations, ...Object.fromEntries(missing) }
    await d.placement.reallocate([{ consumerId, consumerType: 'INSTANCE', allocations: all, projectId, userId }])
    d.log.info({ instance_id: consumerId, node_id: nodeId }, 'PCI devices of a server are counted in placement')
  }
}

/** `[pci] report_in_placement`: the host's devices as providers below its own, and none that it has not any more. */
export async function countDevices(d: ConductorDeps, report: HostReport, before: readonly PciDevice[]): Promise<void> {
  if (report.areDevicesInPlacement !== true) return
  const groups = Map.groupBy((report.devices ?? []).filter(isCounted), providerAddress)
  const wanted = [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [providerOf(report, [first, ...rest])],
  )
  for (const provider of wanted) await write(d.placement, report.nodeId, provider)
  await countHeld(d, report, wanted)
  const ids = new Set(wanted.map(provider => provider.id))
  for (const id of new Set(before.map(device => pciProviderId(report.nodeId, device)))) {
    if (ids.has(id) || (await d.placement.provider(id)) === undefined) continue
    await d.placement.deleteProvider(id).catch(error => {
      if (!(error instanceof Fault) || error.kind !== 'conflict') throw error
      d.log.warn({ host: report.host, provider_id: id }, 'a PCI device is gone, but a server still has it')
    })
  }
}
