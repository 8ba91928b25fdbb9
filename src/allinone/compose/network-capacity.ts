import type { NetworkCapacity, PlacementPort } from '#cloud'
import type { Config } from '#config'
import { bridgeAgent, capacityOf, cardAgent, networkCapacity } from '#network'

/** What nova.conf says of the built-in network's bandwidth, in the sections of Neutron's agents. */
export function networkCapacityOf(config: Config, placement: PlacementPort): NetworkCapacity | undefined {
  const { linux_bridge: bridges, sriov_nic: cards } = config
  const ofBridges = capacityOf({ ...bridges, mappings: bridges.physical_interface_mappings })
  const ofCards = capacityOf({ ...cards, mappings: cards.physical_device_mappings })
  return networkCapacity(placement, [
    ...(ofBridges === undefined ? [] : [{ ...bridgeAgent, ...ofBridges }]),
    ...(ofCards === undefined ? [] : [{ ...cardAgent, ...ofCards }]),
  ])
}
