import { declareFault } from '#base'
import type { Inventory } from '#cloud'
import type { HostDescription } from '#virt'

export const ProviderConfigInvalid = declareFault(
  'ProviderConfigException',
  'final',
  (p: { reason: string }) => `An error occurred while processing a provider config file: ${p.reason}`,
)

/** What the operator adds to a resource provider: one entry of the files in `[compute] provider_config_location`. */
export interface ProviderConfig {
  /** By its uuid, its name, or as whatever host this is (`$COMPUTE_NODE`). */
  readonly provider: string
  readonly inventories: Readonly<Record<string, Inventory>>
  readonly traits: readonly string[]
  readonly source: string
}

const anyHost = '$COMPUTE_NODE'
const custom = /^CUSTOM_[A-Z0-9_]{1,248}$/
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Plain = Readonly<Record<string, unknown>>
const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Of one file that has been read; `source` is its path. */
export function providersIn(file: unknown, source: string): readonly ProviderConfig[] {
  const refuse = (reason: string) => ProviderConfigInvalid({ reason: `${source}: ${reason}` })
  const version = isPlain(file) && isPlain(file['meta']) ? file['meta']['schema_version'] : undefined
  if (!isPlain(file) || typeof version !== 'string') throw refuse('Unable to detect schema version')
  if (!/^1\.\d+$/.test(version)) throw refuse(`Unsupported schema major version: ${version.split('.')[0]}`)
  return listOf(file['providers']).flatMap((entry): ProviderConfig[] => {
    if (!isPlain(entry)) throw refuse('a provider is no mapping')
    const inventories = inventoriesOf(entry, refuse)
    const traits = traitsOf(entry, refuse)
    const isEmpty = traits.length === 0 && Object.keys(inventories).length === 0
    const provider = providerOf(entry, refuse)
    return isEmpty ? [] : [{ provider, inventories, traits, source }]
  })
}

type Refuse = (reason: string) => Error

function providerOf(entry: Plain, refuse: Refuse): string {
  const identification = entry['identification']
  const [[kind, name] = [], ...more] = isPlain(identification) ? Object.entries(identification) : []
  const isKnown = kind === 'uuid' ? name === anyHost || uuid.test(String(name)) : kind === 'name' && name !== ''
  if (more.length > 0 || typeof name !== 'string' || !isKnown)
    throw refuse('a provider is identified by either its uuid or its name')
  return kind === 'uuid' ? name.toLowerCase().replace(anyHost.toLowerCase(), anyHost) : name
}

function traitsOf(entry: Plain, refuse: Refuse): readonly string[] {
  const traits = listOf(isPlain(entry['traits']) ? entry['traits']['additional'] : undefined).map(String)
  const others = traits.filter(trait => !custom.test(trait))
  if (others.length > 0) throw refuse(`Invalid traits, only custom traits are allowed: ${others.sort().join(', ')}`)
  return traits
}

function inventoriesOf(entry: Plain, refuse: Refuse): Readonly<Record<string, Inventory>> {
  const asked = listOf(isPlain(entry['inventories']) ? entry['inventories']['additional'] : undefined)
  const classes = asked.flatMap(item => (isPlain(item) ? Object.entries(item) : []))
  const others = classes.map(([name]) => name).filter(name => !custom.test(name))
  if (others.length > 0)
    throw refuse(`Invalid resource class, only custom resource classes are allowed: ${others.sort().join(', ')}`)
  return Object.fromEntries(classes.map(([name, values]) => [name, inventoryOf(name, values, refuse)]))
}

function inventoryOf(name: string, values: unknown, refuse: Refuse): Inventory {
  const number = (key: string, usual: number): number => {
    const value = isPlain(values) ? values[key] : undefined
    if (value === undefined) return usual
    if (typeof value === 'number' && (key === 'allocation_ratio' || Number.isInteger(value))) return value
    throw refuse(`${name}: ${key} is not a number`)
  }
  const total = number('total', Number.NaN)
  if (Number.isNaN(total)) throw refuse(`${name}: total is missing`)
  return {
    total,
    reserved: number('reserved', 0),
    minUnit: number('min_unit', 1),
    maxUnit: number('max_unit', total),
    stepSize: number('step_size', 1),
    allocationRatio: number('allocation_ratio', 1),
  }
}

/** Those for this host: what names it goes before what is for any. One named twice is a mistake of the operator. */
export function configFor(
  configs: readonly ProviderConfig[],
  host: { readonly nodeId: string; readonly name: string },
): ProviderConfig | undefined {
  const own = configs.filter(({ provider }) => provider === host.nodeId.toLowerCase() || provider === host.name)
  const found = own.length > 0 ? own : configs.filter(({ provider }) => provider === anyHost)
  const [first, second] = found
  if (second !== undefined)
    throw ProviderConfigInvalid({
      reason: `Provider config '${second.source}' conflicts with provider config '${first?.source}'.`,
    })
  return first
}

/** The host with what the operator adds to it; what the hypervisor reports itself cannot be set. */
export function withProviderConfig(description: HostDescription, config: ProviderConfig | undefined): HostDescription {
  if (config === undefined) return description
  const { inventories, traits, source } = config
  const taken = Object.keys(inventories).filter(name => Object.hasOwn(description.extraInventories, name))
  if (taken.length > 0)
    throw ProviderConfigInvalid({
      reason: `${source}: attempts to define an inventory that is owned by the virt driver: ${taken.join(', ')}`,
    })
  return {
    ...description,
    traits: [...new Set([...description.traits, ...traits])],
    extraInventories: { ...description.extraInventories, ...inventories },
  }
}
