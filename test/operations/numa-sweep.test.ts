/**
 * Servers with CPUs, memory nodes and PCI devices of their own, in every saga that places, moves or removes them: whatever
 * fails or dies, what is held by name is what placement counts, no more, no less, and the guest has what the claim says.
 */
import type { SagaName } from '#bus'
import { sagas } from '#conductor'
import { deviceSpecs, type Flavor, type Instance, type PciRequest } from '#model'
import { type Outcome } from '#saga'
import type { SweepPoint } from '#saga/sweep'
import { type HostClaim } from '#store'
import { evenCells, simulatedFunction } from '#virt/fake'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptShelve } from '../../src/api/accept/snapshots.ts'
import { acceptDelete, acceptTask } from '../../src/api/accept/task.ts'
import { runOpen } from './engine.ts'
import { intentOn, flavor as tiny } from './intent.ts'
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

const hardware: WorldHardware = {
  machine: {
    cells: evenCells({ cells: 2, cpus: 8, threadsPerCore: 2, memoryMiB: 4096, pages: [] }),
    pciFunctions: [gpuAt('0000:03:00.0', 0), gpuAt('0000:04:00.0', 1), gpuAt('0000:05:00.0', 1)],
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
    deviceSpecs: deviceSpecs(['{"vendor_id": "10de"}']),
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
}

/** Devices cannot be taken along by a running guest, so that case goes without them. */
const devicesFor = (name: string): readonly PciRequest[] => (name === 'live migration' ? [] : gpus)

class Scene {
  readonly #cloud: SmallCloud
  readonly #case: Case
  readonly #devices: readonly PciRequest[]
  #id = ''

  constructor(cloud: SmallCloud, theCase: Case, devices: readonly PciRequest[]) {
    this.#cloud = cloud
    this.#case = theCase
    this.#devices = devices
  }

  async begin(): Promise<string> {
    const { store, api } = this.#cloud
    const intent = { ...(await intentOn(this.#cloud, null)), flavor: pinned, pciRequests: this.#devices }
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
    const claims = new Map((await store.hostClaims.all()).map(claim => [claim.consumerId, claim]))
    const moves = await store.moves.list({ filter: { instanceId: this.#id } })
    const instance = await store.instances.get(this.#id, { withDeleted: true })
    for (const consumer of [this.#id, ...moves.map(move => move.uuid)]) {
      const [nodeId] = Object.keys((await placement.port.consumer(consumer)).allocations)
      const flavor = consumer === this.#id ? instance.flavor : (moves[0]?.oldFlavor ?? instance.flavor)
      const wanted = flavor.extraSpecs['hw:cpu_policy'] === undefined && this.#devices.length === 0 ? undefined : nodeId
      const claim = claims.get(consumer)
      claims.delete(consumer)
      if ((claim?.nodeId || undefined) !== wanted)
        found.push(`${consumer} has claimed ${claim?.nodeId}, placement says ${nodeId}`)
      if (claim !== undefined && claim.nodeId !== '') found.push(...(await this.#claimComplaints(claim, flavor)))
      if (claim?.nodeId === '' && nodeId === undefined) found.push(`${consumer} has kept an empty claim`)
    }
    for (const left of claims.keys()) found.push(`${left} has a claim, but is nobody`)
    const nodes = (await store.computeNodes.list()).map(node => node.uuid)
    const devices = [...(await store.pciDevices.onNodes(nodes)).values()].flat()
    const held = devices.filter(device => device.consumerId !== null).length
    const known = (await store.hostClaims.all()).flatMap(claim => claim.requests).length
    if (held !== known) found.push(`${held} devices are held, ${known} claimed`)
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
    const given = guest.spec.hostDevices?.map(device => device.address).sort() ?? []
    if (
      given.join() !==
      devices
        .map(device => device.address)
        .sort()
        .join()
    )
      found.push(`the guest has ${given}`)
    return found
  }
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
      return { cloud, scene: new Scene(cloud, theCase, devicesFor(name)) }
    },
    essential,
  )
}
