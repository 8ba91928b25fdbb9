import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { waitFor } from '#base'
import { HostsCloud } from '../../test/guests/hosts.ts'
import { distribution, type Row } from './figures.ts'
import type { Undo } from './undo.ts'

const group = 'moves'
const pingEveryMs = 10

/** Asks a guest all the time whether it is there; the longest silence is what its users noticed. */
class Pings {
  readonly #child: ChildProcess
  #lastMs = 0
  #longestMs = 0

  constructor(address: string) {
    const every = String(pingEveryMs / 1000)
    this.#child = spawn('ping', ['-n', '-i', every, address], { stdio: ['ignore', 'pipe', 'ignore'] })
    if (this.#child.stdout === null) throw new Error('ping says nothing')
    createInterface({ input: this.#child.stdout }).on('line', line => {
      if (!line.includes(' bytes from ')) return
      const now = performance.now()
      if (this.#lastMs > 0) this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs)
      this.#lastMs = now
    })
  }

  /** Waits for the next answer, and begins anew. */
  async longest(): Promise<number> {
    const before = this.#lastMs
    await waitFor('an answer', () => (this.#lastMs > before ? true : undefined), { deadlineMs: 60_000, everyMs: 10 })
    const longest = this.#longestMs
    this.#longestMs = 0
    return Math.max(0, longest - pingEveryMs)
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}

async function boot(cloud: HostsCloud): Promise<{ id: string; address: string }> {
  const { images } = await cloud.call('GET', '/images?name=debian-stock', undefined, 'image')
  const { networks } = await cloud.call('GET', '/networks?name=private', undefined, 'network')
  const { flavors } = await cloud.call('GET', '/flavors')
  const flavorRef = flavors.find((flavor: { name: string }) => flavor.name === 'm1.micro').id
  const server = { name: 'mover', imageRef: images[0].id, flavorRef, networks: [{ uuid: networks[0].id }] }
  const { id } = (await cloud.call('POST', '/servers', { server: { ...server, key_name: 'first' } })).server
  const { addresses } = await cloud.settled(id, 'ACTIVE')
  const address = addresses['private'][0].addr as string
  const answers = async () =>
    (await cloud.ssh(address, 'true').catch(() => undefined)) === undefined ? undefined : true
  await waitFor('the guest', answers, { deadlineMs: 120_000, everyMs: 200 })
  return { id, address }
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function measureLive(cloud: HostsCloud, rounds: number, block: boolean): Promise<Row[]> {
  const { id, address } = await boot(cloud)
  const pings = new Pings(address)
  const [totals, silences]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    await pings.longest()
    const live = { 'os-migrateLive': { host: null, block_migration: block } }
    totals.push(await timed(async () => (await cloud.act(id, live), cloud.settled(id, 'ACTIVE'))))
    silences.push(await pings.longest())
  }
  pings.close()
  await cloud.call('DELETE', `/servers/${id}`)
  const how = block ? 'with its disk' : 'on shared storage'
  return [
    distribution({ group, what: `live migration ${how}, POST to ACTIVE there`, unit: 'ms' }, totals),
    distribution({ group, what: `  longest silence of the guest on its network`, unit: 'ms' }, silences),
  ]
}

async function measureResize(cloud: HostsCloud, rounds: number): Promise<Row[]> {
  const { id } = await boot(cloud)
  const [there, back]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    there.push(await timed(async () => (await cloud.act(id, { migrate: null }), cloud.settled(id, 'VERIFY_RESIZE'))))
    back.push(await timed(async () => (await cloud.act(id, { revertResize: null }), cloud.settled(id, 'ACTIVE'))))
  }
  await cloud.call('DELETE', `/servers/${id}`)
  return [
    distribution({ group, what: 'resize onto the other host, POST to VERIFY_RESIZE', unit: 'ms' }, there),
    distribution({ group, what: '  taken back, POST to ACTIVE', unit: 'ms' }, back),
  ]
}

/** Guests between two hosts on this machine, each a nova-compute with its own libvirtd in namespaces of its own. */
export async function measureMoves(options: { undo: Undo; offset: number; rounds: number }): Promise<Row[]> {
  const { undo, offset, rounds } = options
  const rows: Row[] = []
  for (const sharing of [[], [0, 1]]) {
    const cloud = new HostsCloud({ offset, count: 2, sharing })
    undo.add(() => cloud.close())
    await cloud.start()
    rows.push(...(await measureLive(cloud, rounds, sharing.length === 0)))
    if (sharing.length === 0) rows.push(...(await measureResize(cloud, rounds)))
    await cloud.close()
  }
  return rows
}
