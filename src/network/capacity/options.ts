import { declareFault } from '#base'

/** One of Neutron's sections: `[linux_bridge]` for bridges, `[sriov_nic]` for cards whose functions guests have. */
export interface CapacitySection {
  readonly mappings: readonly string[]
  readonly resource_provider_bandwidths: readonly string[]
  readonly resource_provider_inventory_defaults: readonly string[]
  readonly resource_provider_packet_processing_without_direction: readonly string[]
  readonly resource_provider_packet_processing_with_direction: readonly string[]
}

/** A card of a host, and how much it carries each way; null: nobody has said. */
export interface Card {
  readonly name: string
  readonly physicalNetwork: string | null
  readonly egressKbps: number | null
  readonly ingressKbps: number | null
}

/** Thousands of packets a second of one host, by where they go; `host` null: of every host. */
export interface PacketRate {
  readonly host: string | null
  readonly any: number | null
  readonly egress: number | null
  readonly ingress: number | null
}

export interface InventoryDefaults {
  readonly allocationRatio: number
  readonly minUnit: number
  readonly maxUnit: number | null
  readonly reserved: number
  readonly stepSize: number
}

export interface Capacity {
  readonly cards: readonly Card[]
  readonly packets: readonly PacketRate[]
  readonly defaults: InventoryDefaults
}

export const CapacityInvalid = declareFault(
  'NetworkCapacityInvalid',
  'final',
  (p: { option: string; entry: string; form: string }) => `Invalid ${p.option} '${p.entry}': it is to be ${p.form}.`,
)

const wholeOrNothing = (text: string | undefined): number | null | undefined =>
  text === undefined || text === '' ? null : /^\d+$/.test(text) ? Number(text) : undefined

/** Splits `a:b:c` and reads all but the first as numbers that may be left out. */
function amounts(option: string, entry: string, form: string): readonly [string, ...(number | null)[]] {
  const [name = '', ...rest] = entry.split(':').map(part => part.trim())
  const numbers = rest.map(wholeOrNothing)
  const known = numbers.filter(number => number !== undefined)
  if (known.length < form.split(':').length - 1 || known.length !== rest.length)
    throw CapacityInvalid({ option, entry, form })
  return [name, ...known]
}

function defaultsOf(entries: readonly string[]): InventoryDefaults {
  const given = new Map(entries.map(entry => entry.split(':', 2).map(part => part.trim()) as [string, string]))
  const number = (name: string, preset: number) => {
    const text = given.get(name)
    if (text === undefined || text === '') return preset
    if (Number.isNaN(Number(text)))
      throw CapacityInvalid({
        option: 'resource_provider_inventory_defaults',
        entry: `${name}:${text}`,
        form: 'NAME:NUMBER',
      })
    return Number(text)
  }
  const most = number('max_unit', 0)
  return {
    allocationRatio: number('allocation_ratio', 1),
    minUnit: number('min_unit', 1),
    maxUnit: most === 0 ? null : most,
    reserved: number('reserved', 0),
    stepSize: number('step_size', 1),
  }
}

/** Reads a section; undefined where the operator has said of no card how much it carries. */
export function capacityOf(section: CapacitySection): Capacity | undefined {
  const physnets = new Map(
    section.mappings.map(entry => {
      const [physnet = '', card = ''] = entry.split(':').map(part => part.trim())
      return [card, physnet] as const
    }),
  )
  const cards = section.resource_provider_bandwidths.map((entry): Card => {
    const [name, egressKbps = null, ingressKbps = null] = amounts(
      'resource_provider_bandwidths',
      entry,
      'CARD:EGRESS:INGRESS',
    )
    return { name, physicalNetwork: physnets.get(name) ?? null, egressKbps, ingressKbps }
  })
  const packets = [
    ...section.resource_provider_packet_processing_without_direction.map((entry): PacketRate => {
      const option = 'resource_provider_packet_processing_without_direction'
      const [host, any = null] = amounts(option, entry, 'HOST:RATE')
      return { host: host || null, any, egress: null, ingress: null }
    }),
    ...section.resource_provider_packet_processing_with_direction.map((entry): PacketRate => {
      const option = 'resource_provider_packet_processing_with_direction'
      const [host, egress = null, ingress = null] = amounts(option, entry, 'HOST:EGRESS:INGRESS')
      return { host: host || null, any: null, egress, ingress }
    }),
  ]
  if (cards.length + packets.length === 0) return undefined
  return { cards, packets, defaults: defaultsOf(section.resource_provider_inventory_defaults) }
}
