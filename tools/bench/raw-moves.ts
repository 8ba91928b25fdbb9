import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '#base'
import type { MachineHost, MachineHosts } from '../../test/guests/machine-hosts.ts'
import { run } from '../../test/network/wires.ts'

const exec = promisify(execFile)
const bridge = 'brqraw'

const virsh = async ({ daemon }: MachineHost, ...words: readonly string[]): Promise<string> =>
  (await exec('virsh', ['-q', '-c', `qemu+unix:///system?socket=${daemon.socketPath}`, ...words])).stdout

const found = (xml: string, pattern: RegExp): string => {
  const text = pattern.exec(xml)?.[1]
  if (text === undefined) throw new Error(`the definition has no ${pattern.source}`)
  return text
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** A guest like one of Nova's, moved by virsh alone. */
export class RawMover {
  readonly #machines: MachineHosts
  readonly #isShared: boolean
  readonly #name = `raw-${randomUUID()}`
  #at = 0
  /** Of the first host; another host's differs by its folder. */
  #xml = ''
  #base = ''
  #size = ''

  constructor(machines: MachineHosts, isShared: boolean) {
    this.#machines = machines
    this.#isShared = isShared
  }

  #host(number: number): MachineHost {
    const host = this.#machines.hosts[number]
    if (host === undefined) throw new Error('no such host')
    return host
  }

  #folder(number: number): string {
    return this.#isShared ? join(this.#machines.folder, 'raw') : join(this.#host(number).folder, 'raw')
  }

  /** The base images lie where the hosts' nova-computes keep them. */
  #baseAt(number: number): string {
    return this.#isShared ? this.#base : this.#base.replace(this.#host(0).folder, this.#host(number).folder)
  }

  #xmlAt(number: number): string {
    return this.#xml.replaceAll(this.#folder(0), this.#folder(number))
  }

  /** Like the guest of this id on the first host, and started there. */
  async start(id: string): Promise<void> {
    const example = await virsh(this.#host(0), 'dumpxml', '--inactive', '--migratable', id)
    const disk = found(example, /<source file='([^']*\/disk)'/)
    const known = JSON.parse((await exec('qemu-img', ['info', '-U', '--output', 'json', disk])).stdout)
    this.#base = known['full-backing-filename']
    this.#size = String(known['virtual-size'])
    this.#xml = example
      .replace(/<metadata>[\s\S]*?<\/metadata>/, '')
      .replace(/<name>[^<]*/, `<name>${this.#name}`)
      .replaceAll(id, randomUUID())
      .replace(/<mac address='[^']*'/, "<mac address='fa:16:3e:00:be:c4'")
      .replace(/<source bridge='[^']*'/, `<source bridge='${bridge}'`)
      .replace(/<target dev='tap[^']*'\/>/, '')
      .replaceAll(/'[^']*\/(disk|console\.log)'/g, (_, name: string) => `'${join(this.#folder(0), name)}'`)
    for (const { netns } of this.#machines.hosts) {
      await run('ip', '-n', netns, 'link', 'add', bridge, 'type', 'bridge')
      await run('ip', '-n', netns, 'link', 'set', bridge, 'up')
    }
    await this.#emptyDisk(0)
    await this.#defined(0)
    await virsh(this.#host(0), 'start', this.#name)
    await this.#whenUp()
  }

  async #emptyDisk(number: number): Promise<void> {
    mkdirSync(this.#folder(number), { recursive: true })
    const base = ['-b', this.#baseAt(number), '-F', 'raw']
    await exec('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, this.#disk(number), this.#size])
  }

  #disk(number: number): string {
    return join(this.#folder(number), 'disk')
  }

  #write(number: number): string {
    const path = join(this.#machines.folder, `raw-${number}.xml`)
    writeFileSync(path, this.#xmlAt(number))
    return path
  }

  async #defined(number: number): Promise<void> {
    await virsh(this.#host(number), 'define', this.#write(number))
  }

  async #whenUp(): Promise<void> {
    const log = join(this.#folder(this.#at), 'console.log')
    const isReady = () => (existsSync(log) && readFileSync(log, 'latin1').includes('guest: ready') ? true : undefined)
    await waitFor(`${basename(dirname(log))} to start`, isReady, { deadlineMs: 180_000, everyMs: 50 })
  }

  #left(number: number): void {
    if (!this.#isShared) rmSync(this.#folder(number), { recursive: true, force: true })
  }

  get #other(): number {
    return this.#at === 0 ? 1 : 0
  }

  /** Milliseconds of a live migration to the other host, with the disk where the hosts do not share it. */
  async live(): Promise<number> {
    const [from, to] = [this.#at, this.#other]
    const { address } = this.#host(to)
    const xml = this.#write(to)
    const ways = [
      '--live',
      '--p2p',
      '--persistent',
      '--undefinesource',
      '--unsafe',
      '--xml',
      xml,
      '--persistent-xml',
      xml,
    ]
    const where = ['--migrateuri', `tcp://${address}`, '--listen-address', address]
    const disks = this.#isShared ? [] : ['--copy-storage-inc', '--migrate-disks', 'vda']
    const ms = await timed(async () => {
      if (!this.#isShared) await this.#emptyDisk(to)
      const words = [...ways, ...where, ...disks, this.#name, `qemu+tcp://${address}/system`]
      await virsh(this.#host(from), 'migrate', ...words)
    })
    this.#at = to
    this.#left(from)
    return ms
  }

  /** Milliseconds until it has shut down here, its disk is there, and its QEMU runs there. */
  async cold(): Promise<number> {
    const [from, to] = [this.#at, this.#other]
    const ms = await timed(async () => {
      await virsh(this.#host(from), 'shutdown', '--mode', 'acpi', this.#name)
      const isOff = async () =>
        (await virsh(this.#host(from), 'domstate', this.#name)).startsWith('shut off') ? true : undefined
      await waitFor('the guest to be off', isOff, { deadlineMs: 120_000, everyMs: 50 })
      mkdirSync(this.#folder(to), { recursive: true })
      await exec('cp', ['--sparse=always', this.#disk(from), this.#disk(to)])
      await exec('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-b', this.#baseAt(to), '-F', 'raw', this.#disk(to)])
      await virsh(this.#host(from), 'undefine', this.#name)
      await this.#defined(to)
      await virsh(this.#host(to), 'start', this.#name)
    })
    this.#at = to
    this.#left(from)
    await this.#whenUp()
    return ms
  }

  async close(): Promise<void> {
    await virsh(this.#host(this.#at), 'destroy', this.#name)
    await virsh(this.#host(this.#at), 'undefine', this.#name)
    this.#left(this.#at)
  }
}
