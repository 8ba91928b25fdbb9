import { Fault } from '#base'
import type { HostReport } from '#bus'
import type { PlacementPort } from '#cloud'
import {
  type PciDevice,
  PciPlacementInvalid,
  pciProviderId,
  pciProviderName,
  pciResourceClass,
  pciTraits,
  providerAddress,
  standardResourceClasses,
  standardTraits,
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
const isStandardTrait = (name: string): boolean => standardTraits.includes(name)

const namesIn = (text: string | undefined): readonly string[] =>
  (text ?? '').split(',').flatMap(name => (name.trim() === '' ? [] : [name.trim()]))

const classOf = (device: PciDevice): string => pciResourceClass(device.tags['resource_class'], device, isStandardClass)

const traitsOf = (device: PciDevice): readonly string[] =>
  [...new Set([...pciTraits(namesIn(device.tags['traits']), isStandardTrait), managed])].sort()

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

/** `[pci] report_in_placement`: the host's devices as providers below its own, and none that it has not any more. */
export async function countDevices(d: ConductorDeps, report: HostReport, before: readonly PciDevice[]): Promise<void> {
  if (report.areDevicesInPlacement !== true) return
  const groups = Map.groupBy((report.devices ?? []).filter(isCounted), providerAddress)
  const wanted = [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [providerOf(report, [first, ...rest])],
  )
  for (const provider of wanted) await write(d.placement, report.nodeId, provider)
  const ids = new Set(wanted.map(provider => provider.id))
  for (const id of new Set(before.map(device => pciProviderId(report.nodeId, device)))) {
    if (ids.has(id) || (await d.placement.provider(id)) === undefined) continue
    await d.placement.deleteProvider(id).catch(error => {
      if (!(error instanceof Fault) || error.kind !== 'conflict') throw error
      d.log.warn({ host: report.host, provider_id: id }, 'a PCI device is gone, but a server still has it')
    })
  }
}
