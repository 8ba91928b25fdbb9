import { PciInvalidAlias, PciRequestAliasNotDefined } from './faults.ts'

export const pciNumaPolicies = ['required', 'legacy', 'preferred', 'socket'] as const
export type PciNumaPolicy = (typeof pciNumaPolicies)[number]

/** What a device must be: each property as text, `vendor_id`, `product_id`, `dev_type`, tags. */
export type PciProperties = Readonly<Record<string, string>>

/** Devices that a server wants, kept with its request. */
export interface PciRequest {
  readonly id: string
  readonly count: number
  /** Any of them will do. */
  readonly specs: readonly PciProperties[]
  readonly aliasName: string | null
  readonly numaPolicy: PciNumaPolicy
  /** For placement; the alias says so, or its vendor and product do. */
  readonly resourceClass: string | null
  readonly traits: readonly string[]
  /** The alias wants devices that a running guest can keep while it moves; null: does not care. */
  readonly canMove: boolean | null
  /** A port that it is made for. */
  readonly portId?: string
}

export interface PciAlias {
  readonly numaPolicy: PciNumaPolicy
  readonly specs: readonly PciProperties[]
  readonly resourceClass: string | null
  readonly traits: readonly string[]
  readonly canMove: boolean | null
}

export type PciAliases = ReadonlyMap<string, PciAlias>

const known = new Set([
  'name',
  'capability_type',
  'product_id',
  'vendor_id',
  'device_type',
  'numa_policy',
  'resource_class',
  'traits',
  'live_migratable',
])
const deviceTypes: readonly unknown[] = ['type-PCI', 'type-PF', 'type-VF']

const refuse = (reason: string) => PciInvalidAlias({ reason })
const inPython = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))

function checked(entry: string): Readonly<Record<string, string>> {
  let read: unknown
  try {
    read = JSON.parse(entry)
  } catch (error) {
    throw PciInvalidAlias({ reason: `'${entry}' is not JSON` }, { cause: error })
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw refuse(`${inPython(read)} is not of type 'object'`)
  const alias = read as Record<string, unknown>
  if (alias['name'] === undefined) throw refuse("'name' is a required property")
  for (const [key, value] of Object.entries(alias)) {
    if (!known.has(key)) throw refuse(`Additional properties are not allowed (${inPython(key)} was unexpected)`)
    if (typeof value !== 'string') throw refuse(`${inPython(value)} is not of type 'string'`)
    if (value === '' && key === 'name') throw refuse("'' is too short")
    if ((key === 'product_id' || key === 'vendor_id') && !/^(hex{4})|([a-fA-F0-9]{4})$/.test(value))
      throw refuse(`${inPython(value)} does not match '^(hex{4})|([a-fA-F0-9]{4})$'`)
    if (key === 'device_type' && !deviceTypes.includes(value))
      throw refuse(`${inPython(value)} is not one of ['type-PCI', 'type-PF', 'type-VF']`)
    if (key === 'numa_policy' && !pciNumaPolicies.some(policy => policy === value))
      throw refuse(`${inPython(value)} is not one of ['required', 'legacy', 'preferred', 'socket']`)
  }
  return alias as Record<string, string>
}

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const flag = (text: string | undefined): boolean | null =>
  text === undefined ? null : truths.has(text.trim().toLowerCase())

const listOf = (text: string | undefined): readonly string[] =>
  (text ?? '').split(',').flatMap(part => (part.trim() === '' ? [] : [part.trim()]))

/** Reads the entries of `[pci] alias`; several of one name are alternatives, and must agree in kind and policy. */
export function pciAliases(entries: readonly string[]): PciAliases {
  const aliases = new Map<string, PciAlias>()
  for (const entry of entries) {
    const {
      name: given = '',
      numa_policy,
      device_type,
      resource_class,
      traits,
      live_migratable,
      ...ids
    } = checked(entry)
    const name = given.trim()
    const numaPolicy = pciNumaPolicies.find(policy => policy === numa_policy) ?? 'legacy'
    const spec: PciProperties = { ...ids, ...(device_type === undefined ? {} : { dev_type: device_type }) }
    const before = aliases.get(name)
    if (before === undefined) {
      aliases.set(name, {
        numaPolicy,
        specs: [spec],
        resourceClass: resource_class ?? null,
        traits: listOf(traits),
        canMove: flag(live_migratable),
      })
      continue
    }
    if (before.numaPolicy !== numaPolicy) throw refuse(`NUMA policy mismatch for alias '${name}'`)
    if (before.specs[0]?.['dev_type'] !== spec['dev_type']) throw refuse(`Device type mismatch for alias '${name}'`)
    aliases.set(name, { ...before, specs: [...before.specs, spec] })
  }
  return aliases
}

/** What a flavor asks for in `pci_passthrough:alias`; its own or its image's NUMA policy goes before the alias's. */
export function pciRequests(
  extraSpecs: Readonly<Record<string, string>>,
  aliases: PciAliases,
  policy: PciNumaPolicy | undefined,
  newId: () => string,
): readonly PciRequest[] {
  const asked = extraSpecs['pci_passthrough:alias']
  if (asked === undefined || asked.trim() === '') return []
  return asked.split(',').map(part => {
    const [name = '', count = ''] = part.split(':').map(text => text.trim())
    const alias = aliases.get(name)
    if (alias === undefined) throw PciRequestAliasNotDefined({ alias: name })
    const { numaPolicy, specs, resourceClass, traits, canMove } = alias
    return {
      id: newId(),
      count: Number(count),
      specs,
      aliasName: name,
      numaPolicy: policy ?? numaPolicy,
      resourceClass,
      traits,
      canMove,
    }
  })
}
