import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { waitFor } from '#base'
import { HostsCloud } from '../../test/guests/hosts.ts'
import { distribution, figure, median, type Row } from './figures.ts'
import { RawMover } from './raw-moves.ts'
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

interface Guest {
  readonly id: string
  readonly address: string
}

async function whenUp(cloud: HostsCloud, { address }: Guest): Promise<void> {
  const answers = async () =>
    (await cloud.ssh(address, 'true').catch(() => undefined)) === undefined ? undefined : true
  await waitFor('the guest', answers, { deadlineMs: 120_000, everyMs: 200 })
}

/** On the first host. */
async function boot(cloud: HostsCloud): Promise<Guest> {
  const { images } = await cloud.call('GET', '/images?name=debian-stock', undefined, 'image')
  const { networks } = await cloud.call('GET', '/networks?name=private', undefined, 'network')
  const { flavors } = await cloud.call('GET', '/flavors')
  const flavorRef = flavors.find((flavor: { name: string }) => flavor.name === 'm1.micro').id
  const server = { name: 'mover', imageRef: images[0].id, flavorRef, networks: [{ uuid: networks[0].id }] }
  const placed = { ...server, key_name: 'first', availability_zone: `nova:${cloud.host(0).name}` }
  const { id } = (await cloud.call('POST', '/servers', { server: placed })).server
  const { addresses } = await cloud.settled(id, 'ACTIVE')
  const guest = { id, address: addresses['private'][0].addr as string }
  await whenUp(cloud, guest)
  return guest
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

const ratio = (what: string, ours: readonly number[], theirs: readonly number[]): Row =>
  figure({ group, what: `  ${what}: ratio of the medians`, unit: 'x' }, median(ours) / median(theirs))

/** By turns, and who goes first changes, so that a machine that slows down is fair to both. */
async function byTurns(rounds: number, sides: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
}

async function measureLive(
  cloud: HostsCloud,
  { id, address }: Guest,
  raw: RawMover,
  rounds: number,
  block: boolean,
): Promise<Row[]> {
  const pings = new Pings(address)
  const [totals, silences, theirs]: [number[], number[], number[]] = [[], [], []]
  const live = { 'os-migrateLive': { host: null, block_migration: block } }
  const ours = async () => {
    await pings.longest()
    totals.push(await timed(async () => (await cloud.act(id, live), cloud.settled(id, 'ACTIVE'))))
    silences.push(await pings.longest())
  }
  await byTurns(rounds, [ours, async () => theirs.push(await raw.live())])
  pings.close()
  const how = block ? 'with its disk' : 'on shared storage'
  return [
    distribution({ group, what: `live migration ${how}, POST to ACTIVE there`, unit: 'ms' }, totals),
    distribution({ group, what: `  longest silence of the guest on its network`, unit: 'ms' }, silences),
    distribution({ group, what: `  the same by virsh`, unit: 'ms' }, theirs),
    ratio(`live migration ${how}`, totals, theirs),
  ]
}

async function measureResize(cloud: HostsCloud, guest: Guest, raw: RawMover, rounds: number): Promise<Row[]> {
  const { id } = guest
  const [there, back, theirs]: [number[], number[], number[]] = [[], [], []]
  const ours = async () => {
    await whenUp(cloud, guest)
    there.push(await timed(async () => (await cloud.act(id, { migrate: null }), cloud.settled(id, 'VERIFY_RESIZE'))))
    await whenUp(cloud, guest)
    back.push(await timed(async () => (await cloud.act(id, { revertResize: null }), cloud.settled(id, 'ACTIVE'))))
  }
  await byTurns(rounds, [ours, async () => theirs.push(await raw.cold())])
  return [
    distribution({ group, what: 'cold migration to the other host, POST to VERIFY_RESIZE', unit: 'ms' }, there),
    distribution({ group, what: '  taken back, POST to ACTIVE', unit: 'ms' }, back),
    distribution({ group, what: '  the same by virsh: shut down, copied, started there', unit: 'ms' }, theirs),
    ratio('cold migration', there, theirs),
  ]
}

/** Guests between two hosts on this machine, each a nova-compute with its own libvirtd in namespaces of its own. */
export async function measureMoves(options: { undo: Undo; offset: number; rounds: number }): Promise<Row[]> {
  const { undo, offset, rounds } = options
  const rows: Row[] = []
  for (const sharing of [[], [0, 1]]) {
    const isShared = sharing.length > 0
    const cloud = new HostsCloud({ offset, count: 2, sharing })
    undo.add(() => cloud.close())
    await cloud.start()
    const guest = await boot(cloud)
    const raw = new RawMover(cloud.machines, isShared)
    await raw.start(guest.id)
    // Both bring the image to the other host, which has it from then on.
    rows.push(...(await measureLive(cloud, guest, raw, rounds, !isShared)))
    if (!isShared) rows.push(...(await measureResize(cloud, guest, raw, rounds)))
    await raw.close()
    await cloud.close()
  }
  return rows
}
