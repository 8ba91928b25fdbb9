import { type FSWatcher, watch } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fromJson, type Log, SerialQueue } from '#base'
import { upsert } from '#store/engine'
import type { Db } from '../store/open.ts'
import type { LeaseNews } from './dhcp-bridge.ts'

/** Takes what nova-dhcpbridge left in the spool into the store, in order, each exactly once. */
export class LeaseIntake {
  readonly #db: Db
  readonly #spool: string
  readonly #leaseMs: number
  readonly #log: Log
  readonly #queue = new SerialQueue()
  #watcher: FSWatcher | undefined

  constructor(db: Db, spool: string, leaseSeconds: number, log: Log) {
    this.#db = db
    this.#spool = spool
    this.#leaseMs = leaseSeconds * 1000
    this.#log = log
  }

  async start(): Promise<void> {
    await mkdir(this.#spool, { recursive: true })
    this.#watcher ??= watch(this.#spool, () => this.#poke())
    await this.take()
  }

  #poke(): void {
    // One waiting pass sees everything that is there by then.
    if (this.#queue.length > 1) return
    this.take().catch((error: unknown) => this.#log.warn({ err: error }, 'leases could not be taken in'))
  }

  take(): Promise<void> {
    return this.#queue.run(async () => {
      const files = (await readdir(this.#spool)).filter(name => name.endsWith('.json')).sort()
      for (const file of files) {
        const path = join(this.#spool, file)
        await this.#record(fromJson<LeaseNews>(await readFile(path, 'utf8')))
        await rm(path, { force: true })
      }
    })
  }

  async #record(news: LeaseNews): Promise<void> {
    const { networkId, address, mac, hostname, action, atMs } = news
    if (action === 'del') {
      await this.#db
        .deleteFrom('leases')
        .where('networkId', '=', networkId)
        .where('address', '=', address)
        .where('mac', '=', mac)
        .execute()
      return
    }
    const expiresAtMs = atMs + this.#leaseMs
    await upsert(this.#db, 'leases', { networkId, address, mac, hostname, expiresAtMs }, ['networkId', 'address'])
    if (action === 'add') this.#log.info({ network_id: networkId, address, mac }, 'guest has its address')
  }

  async close(): Promise<void> {
    this.#watcher?.close()
    this.#watcher = undefined
    await this.#queue.run(() => undefined)
  }
}

/** The lines dnsmasq reads at its start: leases that are still some port's. */
export async function leaseLines(db: Db, networkId: string, nowMs: number): Promise<string> {
  const rows = await db
    .selectFrom('leases')
    .innerJoin('fixedIps', join =>
      join.onRef('fixedIps.networkId', '=', 'leases.networkId').onRef('fixedIps.address', '=', 'leases.address'),
    )
    .innerJoin('ports', join => join.onRef('ports.id', '=', 'fixedIps.portId').onRef('ports.mac', '=', 'leases.mac'))
    .select(['leases.mac', 'leases.address', 'leases.hostname', 'leases.expiresAtMs'])
    .where('leases.networkId', '=', networkId)
    .where('leases.expiresAtMs', '>', nowMs)
    .where('leases.address', 'not like', '%:%')
    .execute()
  return rows
    .map(row => `${Math.floor(row.expiresAtMs / 1000)} ${row.mac} ${row.address} ${row.hostname || '*'} *\n`)
    .join('')
}
