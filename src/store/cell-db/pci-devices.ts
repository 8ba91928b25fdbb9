import type { Selectable, Updateable } from 'kysely'
import { fromJson } from '#base'
import { type ChosenDevice, type HeldPciDevice, type PciDevice, type PciState, withStates } from '#model'
import { among } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import { marked } from './host-marks.ts'
import type { CellTables } from './schema.ts'

const fromRow = (row: Selectable<CellTables['pci_devices']>): HeldPciDevice => ({
  ...fromJson<PciDevice>(row.device_json),
  state: row.state as PciState,
  consumerId: row.consumer_id,
  requestId: row.request_id,
})

const key = (device: PciDevice): string => JSON.stringify(device)

const plain = ({ state: _s, consumerId: _c, requestId: _r, ...device }: HeldPciDevice): PciDevice => device

/** The PCI devices of hosts, and who has them. Whoever changes holders does it in a transaction of his. */
export class PciDevices {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async onNodes(nodeIds: readonly string[]): Promise<ReadonlyMap<string, readonly HeldPciDevice[]>> {
    const rows = await this.#db
      .selectFrom('pci_devices')
      .selectAll()
      .where('node_id', 'in', among(nodeIds))
      .orderBy('number')
      .execute()
    const byNode = new Map<string, HeldPciDevice[]>()
    for (const row of rows) {
      const found = byNode.get(row.node_id)
      if (found === undefined) byNode.set(row.node_id, [fromRow(row)])
      else found.push(fromRow(row))
    }
    return byNode
  }

  async on(nodeId: string): Promise<readonly HeldPciDevice[]> {
    return (await this.onNodes([nodeId])).get(nodeId) ?? []
  }

  async of(consumerId: string): Promise<readonly HeldPciDevice[]> {
    const rows = await this.#db
      .selectFrom('pci_devices')
      .selectAll()
      .where('consumer_id', '=', consumerId)
      .orderBy('number')
      .execute()
    return rows.map(fromRow)
  }

  /** How many devices nobody has, by node; nodes without any are left out. */
  async freeCounts(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db
      .selectFrom('pci_devices')
      .select(e => ['node_id', e.fn.countAll<number>().as('free')])
      .where('state', '=', 'available')
      .groupBy('node_id')
      .execute()
    return new Map(rows.map(row => [row.node_id, Number(row.free)]))
  }

  /**
   * The host has these devices now. One that is gone goes from the records too, unless somebody still has it: then it
   * stays with him, as a device that his guest may have kept.
   */
  async report(nodeId: string, devices: readonly PciDevice[]): Promise<void> {
    const known = new Map((await this.on(nodeId)).map(device => [device.address, device]))
    const free = { state: 'available', consumerId: null, requestId: null } as const
    const reported = devices.map((device): HeldPciDevice => {
      const before = known.get(device.address)
      if (before === undefined || before.state === 'removed') return { ...device, ...free }
      const { state, consumerId, requestId } = before
      return { ...device, state, consumerId, requestId }
    })
    const present = new Set(devices.map(device => device.address))
    const kept = [...known.values()].filter(device => !present.has(device.address) && device.consumerId !== null)
    await this.#write(nodeId, [...known.values()], withStates([...reported, ...kept]))
  }

  /** The consumer gets these devices of the node. */
  async give(nodeId: string, consumerId: string, chosen: readonly ChosenDevice[], state: 'claimed' | 'allocated') {
    if (chosen.length === 0) return
    const requests = new Map(chosen.map(({ address, requestId }) => [address, requestId]))
    await this.#change(nodeId, device => {
      const requestId = requests.get(device.address)
      return requestId === undefined ? device : { ...device, state, consumerId, requestId }
    })
  }

  /** What the consumer has of the node is in use from now on. */
  async allocate(nodeId: string, consumerId: string): Promise<void> {
    await this.#change(nodeId, device =>
      device.consumerId === consumerId ? { ...device, state: 'allocated' } : device,
    )
  }

  /** All that the consumer has of the node, or what answers one request. */
  async takeBack(nodeId: string, consumerId: string, requestId?: string): Promise<void> {
    await this.#change(nodeId, device =>
      device.consumerId === consumerId && (requestId === undefined || device.requestId === requestId)
        ? { ...device, state: 'available', consumerId: null, requestId: null }
        : device,
    )
  }

  async handOver(from: string, to: string): Promise<void> {
    await this.#db.updateTable('pci_devices').set({ consumer_id: to }).where('consumer_id', '=', from).execute()
  }

  async removeAllOf(nodeId: string): Promise<void> {
    await marked(this.#db, 'devices', db => db.deleteFrom('pci_devices').where('node_id', '=', nodeId).execute())
  }

  async #change(nodeId: string, change: (device: HeldPciDevice) => HeldPciDevice): Promise<void> {
    const before = await this.on(nodeId)
    await this.#write(nodeId, before, withStates(before.map(change)))
  }

  /** Writes what is different, and nothing else. */
  async #write(nodeId: string, before: readonly HeldPciDevice[], after: readonly HeldPciDevice[]): Promise<void> {
    const known = new Map(before.map(device => [device.address, key(device)]))
    const wanted = new Set(after.map(device => device.address))
    const gone = before.filter(({ address }) => !wanted.has(address))
    const changed = after.filter(device => known.get(device.address) !== key(device))
    if (gone.length + changed.length === 0) return
    await marked(this.#db, 'devices', async db => {
      for (const { address } of gone)
        await db.deleteFrom('pci_devices').where('node_id', '=', nodeId).where('address', '=', address).execute()
      for (const device of changed) {
        const { address, state, consumerId: consumer_id, requestId: request_id } = device
        const row = { state, consumer_id, request_id, device_json: key(plain(device)) }
        if (known.has(address)) await update(db, nodeId, address, row)
        else
          await db
            .insertInto('pci_devices')
            .values({ node_id: nodeId, address, ...row })
            .execute()
      }
    })
  }
}

async function update(db: Db, nodeId: string, address: string, row: Updateable<CellTables['pci_devices']>) {
  await db.updateTable('pci_devices').set(row).where('node_id', '=', nodeId).where('address', '=', address).execute()
}
