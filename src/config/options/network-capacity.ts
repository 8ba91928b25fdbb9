import { list } from '../option.ts'

/** Not Nova's: those of Neutron's agents, for the built-in network. */
const capacity = {
  resource_provider_bandwidths: list([], 'Kilobits a second that cards carry: CARD:EGRESS:INGRESS.'),
  resource_provider_inventory_defaults: list([], 'Of what is told to placement: allocation_ratio:1.0, reserved:0, …'),
  resource_provider_packet_processing_without_direction: list(
    [],
    'Thousands of packets a second: HOST:RATE; :RATE for all.',
  ),
  resource_provider_packet_processing_with_direction: list([], 'The same each way: HOST:EGRESS:INGRESS.'),
} as const

export const linuxBridgeSection = {
  physical_interface_mappings: list([], 'Physical networks by the cards they are on: PHYSNET:CARD.'),
  ...capacity,
} as const

export const sriovNicSection = {
  physical_device_mappings: list([], 'Physical networks by the cards whose functions guests have: PHYSNET:CARD.'),
  ...capacity,
} as const
