import type { HostTopology } from '../numa/host-topology.ts'
import { type HeldPciDevice, isFree, type PciDevice } from './device.ts'
import type { PciProperties, PciRequest } from './request.ts'

export interface ChosenDevice {
  readonly address: string
  readonly requestId: string
}

export interface ChooseInput {
  readonly requests: readonly PciRequest[]
  readonly devices: readonly HeldPciDevice[]
  /** Host nodes that the guest's nodes are on; null: the guest has none, and every device is near. */
  readonly cells: readonly number[] | null
  readonly host: HostTopology | null
  /** Providers of placement that were claimed for a request, by its id; absent: placement was not asked. */
  readonly providers?: Readonly<Record<string, readonly string[]>>
  /** Cards whose function it has to be, by the request's id: those whose bandwidth was claimed. */
  readonly cards?: Readonly<Record<string, string>>
  /** The provider that stands for a device. */
  readonly providerOf?: (device: PciDevice) => string | undefined
}

const truths = new Set(['1', 't', 'true', 'on', 'y', 'yes'])
const isYes = (text: string | undefined): boolean => text !== undefined && truths.has(text.trim().toLowerCase())

/** Whether a running guest may take it along: the operator's word goes before the hypervisor's. */
export const isMovable = ({ tags, canMove }: PciDevice): boolean =>
  tags['live_migratable'] === undefined ? canMove : isYes(tags['live_migratable'])

/** What a request may name of a device. */
function propertiesOf(device: PciDevice): PciProperties {
  const isNetwork = device.type !== 'type-PCI'
  return {
    ...device.tags,
    vendor_id: device.vendorId,
    product_id: device.productId,
    dev_type: device.type,
    ...(device.parentInterfaceName === null ? {} : { parent_ifname: device.parentInterfaceName }),
    // A card that nothing is said about is managed by its host.
    ...(isNetwork && device.tags['remote_managed'] === undefined ? { remote_managed: 'false' } : {}),
  }
}

/** Only says what is to be used, and nothing about devices: they are for placement. */
const forPlacement = new Set(['resource_class', 'traits', 'live_migratable', 'capability_type'])

function isAsked(device: PciDevice, { specs, canMove }: PciRequest): boolean {
  if (canMove !== null && isMovable(device) !== canMove) return false
  const has = propertiesOf(device)
  return specs.some(spec =>
    Object.entries(spec).every(
      ([key, value]) => forPlacement.has(key) || has[key]?.toLowerCase() === value.toLowerCase(),
    ),
  )
}

const isOn = (nodes: ReadonlySet<number | null>) => (device: PciDevice) => nodes.has(device.numaNode)

/** Nodes that share a socket with one of the cells; none where a host does not know its sockets. */
function socketNodes(host: HostTopology | null, cells: readonly number[]): ReadonlySet<number | null> {
  const known = host?.cells ?? []
  if (known.some(cell => cell.socket === null)) return new Set()
  const sockets = new Set(known.filter(cell => cells.includes(cell.id)).map(cell => cell.socket))
  return new Set(known.filter(cell => sockets.has(cell.socket)).map(cell => cell.id))
}

/** The nearest devices that are enough, and no farther ones than the policy allows. */
function near(devices: readonly HeldPciDevice[], request: PciRequest, { cells, host }: ChooseInput) {
  if (cells === null) return devices
  const own = devices.filter(isOn(new Set(cells)))
  const { numaPolicy, count } = request
  if (numaPolicy === 'required' || own.length >= count) return own
  if (numaPolicy === 'socket') return devices.filter(isOn(socketNodes(host, cells)))
  const nowhere = new Set<number | null>([...cells, null])
  const orUnknown = devices.filter(isOn(nowhere))
  if (numaPolicy === 'legacy' || orUnknown.length >= count) return orUnknown
  return devices.toSorted((a, b) => Number(!nowhere.has(a.numaNode)) - Number(!nowhere.has(b.numaNode)))
}

const nameOf = (request: PciRequest): string =>
  request.aliasName ?? request.specs.map(spec => JSON.stringify(spec)).join(' or ')

/** Plain ones first, so that those with more to them stay for who names them. */
const plainFirst = (a: PciDevice, b: PciDevice): number =>
  Object.keys(a.tags).length - Object.keys(b.tags).length || (a.address < b.address ? -1 : 1)

function candidates(free: readonly HeldPciDevice[], request: PciRequest, input: ChooseInput) {
  const wants = (key: string, value: string) => request.specs.some(spec => spec[key]?.toLowerCase() === value)
  const wantsRemote = request.specs.some(spec => isYes(spec['remote_managed']))
  const asked = free.filter(device => isAsked(device, request))
  const claimed = input.providers?.[request.id]
  const ofProvider =
    claimed === undefined
      ? asked
      : asked.filter(device => {
          const provider = input.providerOf?.(device)
          return provider !== undefined && claimed.includes(provider)
        })
  const card = input.cards?.[request.id]
  const ofCard =
    card === undefined
      ? ofProvider
      : ofProvider.filter(device => (device.parentInterfaceName ?? device.interfaceName) === card)
  return near(ofCard, request, input)
    .filter(device => device.type !== 'type-PF' || wants('dev_type', 'type-pf'))
    .filter(device => device.type !== 'vdpa' || wants('dev_type', 'vdpa'))
    .filter(device => wantsRemote || !isYes(device.tags['remote_managed']))
}

/** Devices for all requests, or why there are not enough. A physical function takes its virtual ones along, and the other way. */
export function chooseDevices(input: ChooseInput): readonly ChosenDevice[] | string {
  let free = input.devices.filter(isFree).toSorted(plainFirst)
  const chosen: ChosenDevice[] = []
  for (const request of input.requests) {
    const found = candidates(free, request, input)
    if (found.length < request.count) {
      const there = free.filter(device => isAsked(device, request)).length
      const far = there > found.length && input.cells !== null ? ` near cell ${input.cells.join(' and ')}` : ''
      return `${request.count} PCI ${request.count === 1 ? 'device' : 'devices'} ${nameOf(request)} needed, ${found.length} free${far}`
    }
    const providers = input.providers?.[request.id]
    const taken =
      providers === undefined ? found.slice(0, request.count) : oneEach(found, providers, request.count, input)
    for (const { address } of taken) chosen.push({ address, requestId: request.id })
    const own = new Set(taken.map(device => device.address))
    const parents = new Set(taken.map(device => device.parentAddress))
    free = free.filter(
      ({ address, parentAddress }) =>
        !own.has(address) && !parents.has(address) && (parentAddress === null || !own.has(parentAddress)),
    )
  }
  return chosen
}

/** As many of each provider as placement has given: it names a provider once per device. */
function oneEach(
  found: readonly HeldPciDevice[],
  providers: readonly string[],
  count: number,
  { providerOf }: ChooseInput,
): readonly HeldPciDevice[] {
  const left = [...found]
  const taken = providers.flatMap(provider => {
    const at = left.findIndex(device => providerOf?.(device) === provider)
    return at < 0 ? [] : left.splice(at, 1)
  })
  return [...taken, ...left].slice(0, count)
}

/** Free devices by host node, for the choice of nodes. */
export function freeByNode(devices: readonly HeldPciDevice[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { numaNode } of devices.filter(isFree))
    if (numaNode !== null) counts.set(numaNode, (counts.get(numaNode) ?? 0) + 1)
  return counts
}
