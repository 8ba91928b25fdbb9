/**
 * Servers with CPUs, memory nodes, PCI devices and bandwidth of their own, in every saga that places, moves or removes them: whatever
 * fails or dies, what is held by name is what placement counts, no more, no less, and the guest has what the claim says.
 */
import type { SagaName } from '#bus'
import type { Allocations } from '#cloud'
import { sagas } from '#conductor'
import { deviceSpecs, type Flavor, type Instance, type PciRequest, type PortHolding } from '#model'
import { bridgeAgent, cardAgent } from '#network'
import { type Outcome } from '#saga'
import type { SweepPoint } from '#saga/sweep'
import { type HostClaim } from '#store'
import { evenCells, simulatedFunction } from '#virt/fake'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { portWishes } from '../../src/api/accept/port-wishes.ts'
import { acceptShelve } from '../../src/api/accept/snapshots.ts'
import { acceptDelete, acceptTask } from '../../src/api/accept/task.ts'
import { runOpen } from './engine.ts'
import { intentOn, makePromisedPort, flavor as tiny } from './intent.ts'
import { askConfirm, askEvacuation, askLive, askResize, askRevert } from './moves.ts'
import { describeSweep } from './sweeping.ts'
import { caller, type SmallCloud, smallCloud, type WorldHardware } from './world.ts'

type Ask = (cloud: SmallCloud, instance: Instance) => Promise<unknown>

interface Case {
  readonly saga: SagaName
  readonly from: readonly Ask[]
  readonly ask: Ask | null
}

const gpuAt = (address: string, node: number) =>
  simulatedFunction(JSON.stringify({ address, vendor_id: '10de', product_id: '1eb8', numa_node: node }))

const vfAt = (address: string, parent: string, card: string) =>
  simulatedFunction(
    JSON.stringify({ address, vendor_id: '8086', product_id: '10ed', type: 'type-VF', parent, parent_devname: card }),
  )

const hardware: WorldHardware = {
  capacity: [bridgeAgent, cardAgent].map(agent => ({
    ...agent,
    cards: ['enp1', 'enp2'].map(name => ({
      name,
      physicalNetwork: null,
      egressKbps: name === 'enp1' ? 100 : 10_000,
      ingressKbps: null,
    })),
    packets: [],
    defaults: { allocationRatio: 1, minUnit: 1, maxUnit: null, reserved: 0, stepSize: 1 },
  })),
  machine: {
    cells: evenCells({ cells: 2, cpus: 8, threadsPerCore: 2, memoryMiB: 4096, pages: [] }),
    pciFunctions: [
      gpuAt('0000:03:00.0', 0),
      gpuAt('0000:04:00.0', 1),
      gpuAt('0000:05:00.0', 1),
      vfAt('0000:81:10.0', '0000:81:00.0', 'enp1'),
      vfAt('0000:82:10.0', '0000:82:00.0', 'enp2'),
    ],
  },
  options: {
    topology: {
      shared: '0,4',
      dedicated: '1-3,5-7',
      reservedPages: [],
      physnets: {},
      tunnels: [],
      packsCells: false,
    },
    deviceSpecs: deviceSpecs(['{"vendor_id": "10de"}', '{"vendor_id": "8086", "physical_network": "physnet1"}']),
    reportsDevices: true,
  },
}

const pinned: Flavor = {
  ...tiny,
  flavorId: 'pinned',
  vcpus: 2,
  extraSpecs: { 'hw:cpu_policy': 'dedicated', 'hw:numa_nodes': '2' },
}
const larger: Flavor = { ...pinned, number: 2, flavorId: 'larger', vcpus: 4, rootGiB: 2 }

const gpus: readonly PciRequest[] = [
  {
    id: '5d4e6b04-8a44-4f46-9f3e-5e0b1f2c8c11',
    count: 1,
    specs: [{ vendor_id: '10de', product_id: '1eb8', live_migratable: 'yes' }],
    aliasName: 'gpu',
    numaPolicy: 'legacy',
    resourceClass: null,
    traits: [],
    canMove: null,
  },
]

const requestId = 'req-00000000-0000-0000-0000-000000000000'
const asking = { caller, isAdmin: true, requestId }
const remove: Ask = (cloud, instance) => acceptDelete(cloud.api, caller, true, requestId, instance, 'delete')
const shelve: Ask = (cloud, instance) => acceptShelve(cloud.api, asking, instance)
const unshelve: Ask = (cloud, instance) =>
  acceptTask(cloud.api, caller, true, requestId, instance, {
    action: 'unshelve',
    word: 'unshelve',
    saga: 'server-unshelve',
    input: { host: null },
  })

const plug: Ask = async (cloud, instance) => {
  const portId = await makePromisedPort(cloud, 'direct', 4000)
  const network = { networkId: cloud.networkId, portId, fixedIp: null, tag: null }
  const input = { network, zone: 'nova', ...(await portWishes(cloud.api, [network])) }
  const task = { action: 'attachInterface', word: 'attach_interface', saga: 'interface-attach', input } as const
  await acceptTask(cloud.api, caller, true, requestId, instance, task)
}
const unplug: Ask = (cloud, instance) => {
  const input = { portId: instance.networkInfo.at(-1)?.portId ?? '' }
  const task = { action: 'detachInterface', word: 'detach_interface', saga: 'interface-detach', input } as const
  return acceptTask(cloud.api, caller, true, requestId, instance, task)
}

const cases: Readonly<Record<string, Case>> = {
  build: { saga: 'server-build', from: [], ask: null },
  delete: { saga: 'server-delete', from: [], ask: remove },
  resize: { saga: 'server-resize', from: [], ask: askResize(larger) },
  'cold migration': { saga: 'server-resize', from: [], ask: askResize() },
  confirm: { saga: 'server-confirm-resize', from: [askResize(larger)], ask: askConfirm },
  revert: { saga: 'server-revert-resize', from: [askResize(larger)], ask: askRevert },
  'resize to shared CPUs': {
    saga: 'server-resize',
    from: [],
    ask: askResize({ ...tiny, number: 3, flavorId: 'plain' }),
  },
  'revert from shared CPUs': {
    saga: 'server-revert-resize',
    from: [askResize({ ...tiny, number: 3, flavorId: 'plain' })],
    ask: askRevert,
  },
  'delete of a resized server': { saga: 'server-delete', from: [askResize(larger)], ask: remove },
  'live migration': { saga: 'server-live-migrate', from: [], ask: askLive },
  evacuation: { saga: 'server-evacuate', from: [], ask: askEvacuation(false) },
  shelve: { saga: 'server-shelve', from: [], ask: shelve },
  unshelve: { saga: 'server-unshelve', from: [shelve], ask: unshelve },
  'port plugged in': { saga: 'interface-attach', from: [], ask: plug },
  'port unplugged': { saga: 'interface-detach', from: [plug], ask: unplug },
}

/** Devices cannot be taken along by a running guest, so that case goes without them; those of ports come on the way, too. */
const devicesFor = (name: string): readonly PciRequest[] => (name === 'live migration' ? [] : gpus)
const portKindFor = (name: string): string | null =>
  name === 'live migration' ? 'normal' : name.startsWith('port') ? null : 'direct'

class Scene {
  readonly #cloud: SmallCloud
  readonly #case: Case
  readonly #devices: readonly PciRequest[]
  readonly #portKind: string | null
  #id = ''

  constructor(cloud: SmallCloud, name: string, theCase: Case) {
    this.#cloud = cloud
    this.#case = theCase
    this.#devices = devicesFor(name)
    this.#portKind = portKindFor(name)
  }

  async begin(): Promise<string> {
    const { store, api } = this.#cloud
    const portId = this.#portKind === null ? null : await makePromisedPort(this.#cloud, this.#portKind, 5000)
    const plain = await intentOn(this.#cloud, portId)
    const { cards, ports } = await portWishes(api, plain.networks)
    const intent = { ...plain, flavor: pinned, pciRequests: [...this.#devices, ...cards], ports }
    this.#id = (await acceptBuild(api, caller, requestId, intent)).instanceIds[0] ?? ''
    if (this.#case.ask === null) return (await store.sagas.openOf(this.#id))[0] ?? ''
    await runOpen(this.#cloud, this.#id)
    for (const ask of this.#case.from) {
      await ask(this.#cloud, await store.instances.get(this.#id))
      await runOpen(this.#cloud, this.#id)
    }
    await this.#case.ask(this.#cloud, await store.instances.get(this.#id))
    return (await store.sagas.openOf(this.#id))[0] ?? ''
  }

  async complaints(_outcome: Outcome): Promise<readonly string[]> {
    const { store, placement } = this.#cloud
    const found: string[] = []
    const nodes = new Set((await store.computeNodes.list()).map(node => node.uuid))
    const claims = new Map((await store.hostClaims.all()).map(claim => [claim.consumerId, claim]))
    const moves = await store.moves.list({ filter: { instanceId: this.#id } })
    const instance = await store.instances.get(this.#id, { withDeleted: true })
    for (const consumer of [this.#id, ...moves.map(move => move.uuid)]) {
      const { allocations } = await placement.port.consumer(consumer)
      const nodeId = Object.keys(allocations).find(id => nodes.has(id))
      const flavor = consumer === this.#id ? instance.flavor : (moves[0]?.oldFlavor ?? instance.flavor)
      const hasNothing = this.#devices.length === 0 && this.#portKind === null
      const wanted = flavor.extraSpecs['hw:cpu_policy'] === undefined && hasNothing ? undefined : nodeId
      const claim = claims.get(consumer)
      claims.delete(consumer)
      if ((claim?.nodeId || undefined) !== wanted)
        found.push(`${consumer} has claimed ${claim?.nodeId}, placement says ${nodeId}`)
      if (claim !== undefined && claim.nodeId !== '') found.push(...(await this.#claimComplaints(claim, flavor)))
      found.push(...portComplaints(claim?.ports ?? [], allocations))
      if (claim?.nodeId === '' && nodeId === undefined) found.push(`${consumer} has kept an empty claim`)
    }
    for (const left of claims.keys()) found.push(`${left} has a claim, but is nobody`)
    found.push(...(await this.#bindingComplaints()))
    const devices = [...(await store.pciDevices.onNodes([...nodes])).values()].flat()
    const held = devices.filter(device => device.consumerId !== null).length
    const known = (await store.hostClaims.all()).flatMap(claim => claim.requests).length
    if (held !== known) found.push(`${held} devices are held, ${known} claimed`)
    return found
  }

  /** The network knows of each port what the server holds for it where it is, and of no other. */
  async #bindingComplaints(): Promise<readonly string[]> {
    const { store, network } = this.#cloud
    const claim = await store.hostClaims.of(this.#id)
    const found: string[] = []
    for (const port of await network.port.ports('service', {})) {
      const told = Object.values((port.profile['allocation'] ?? {}) as Record<string, string>)
      const held = claim?.ports.filter(one => one.portId === port.id).map(one => one.providerId) ?? []
      const wanted = port.bindingHost === '' ? [] : held
      if (told.join() !== wanted.join()) found.push(`port ${port.id} was told ${told}, held is ${wanted}`)
    }
    return found
  }

  async #claimComplaints(claim: HostClaim, flavor: Flavor): Promise<readonly string[]> {
    const { store, drivers } = this.#cloud
    const found: string[] = []
    const pins = claim.numa?.cells.flatMap(cell => cell.pins) ?? []
    const isPinned = flavor.extraSpecs['hw:cpu_policy'] !== undefined
    if (pins.length !== (isPinned ? flavor.vcpus : 0)) found.push(`${pins.length} pins for ${flavor.vcpus} CPUs`)
    const devices = await store.pciDevices.of(claim.consumerId)
    if (devices.length !== claim.requests.length) found.push(`${devices.length} devices`)
    for (const device of devices) if (device.state !== 'allocated') found.push(`${device.address} is ${device.state}`)
    const node = await store.computeNodes.find({ uuid: claim.nodeId })
    const guest = drivers.get(node?.host ?? '')?.recordOf(claim.instanceId as never)
    if (claim.consumerId !== claim.instanceId || guest === undefined) return found
    const there = guest.spec.numa?.cells.flatMap(cell => cell.pins) ?? []
    if (JSON.stringify(there) !== JSON.stringify(pins)) found.push(`the guest has ${there}, claimed are ${pins}`)
    // Functions of cards are its interfaces, those that came later too.
    const own = guest.spec.hostDevices?.filter(device => device.portId === null) ?? []
    const given = [...own, ...guest.vifs.flatMap(vif => vif.card ?? [])].map(device => device.address).sort()
    const wanted = devices.map(device => device.address).sort()
    if (given.join() !== wanted.join()) found.push(`the guest has ${given}`)
    return found
  }
}

/** What ports hold by name is what placement counts on the network's providers. */
function portComplaints(ports: readonly PortHolding[], allocations: Allocations): readonly string[] {
  const named = ports.map(({ providerId, resources }) => [providerId, resources] as const)
  const counted = Object.entries(allocations).filter(([, amounts]) =>
    Object.keys(amounts).some(name => name.startsWith('NET_BW')),
  )
  const text = (entries: readonly (readonly [string, object])[]) => JSON.stringify(entries.toSorted())
  return text(named) === text(counted) ? [] : [`ports hold ${text(named)}, counted are ${text(counted)}`]
}

/** The other sweeps try every point; here each step fails after it has ended, and the longest way back is interrupted. */
function essential(points: readonly SweepPoint[]): readonly SweepPoint[] {
  const last = points.findLast(point => point.failAt !== undefined)?.failAt
  return points.filter(
    ({ kind, phase, failAt }) =>
      (phase === 'after' && kind === 'fail') || (phase === 'undo-after' && failAt !== undefined && failAt === last),
  )
}

for (const [name, theCase] of Object.entries(cases)) {
  describeSweep(
    `claims in a ${name}`,
    sagas[theCase.saga],
    async () => {
      const cloud = await smallCloud(['one', 'two'], {}, hardware)
      return { cloud, scene: new Scene(cloud, name, theCase) }
    },
    essential,
  )
}
