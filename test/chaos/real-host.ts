import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '#base'
import { processes } from '../virt/processes.ts'
import type { FoundGuest, HostsView } from './found-guest.ts'

const run = promisify(execFile)

/** libvirt's words for Nova's numbers. */
const powerOf: Readonly<Record<string, number>> = {
  running: 1,
  idle: 1,
  paused: 3,
  'in shutdown': 4,
  'shut off': 4,
  crashed: 6,
  pmsuspended: 7,
}

/** What virsh says of a domain that is not there. */
const gone = 'gone'

const all = (xml: string, pattern: RegExp): readonly string[] =>
  [...xml.matchAll(pattern)].map(([, value = '']) => value)
const guestFolder = /^[0-9a-f]{8}-[0-9a-f-]{27}(_resize)?$/
/** Of something that was not finished. */
const half = /\.(part|unused|new)\b|_del$|^frozen$/
const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])

/** One machine with its own libvirtd, seen by virsh, ip and the file system. */
export class RealHost {
  readonly #host: string
  readonly #stateDir: string

  constructor(host: string, stateDir: string) {
    this.#host = host
    this.#stateDir = stateDir
  }

  async #virsh(...args: string[]): Promise<string> {
    const uri = `qemu+unix:///system?socket=${join(this.#stateDir, 'libvirt/run/libvirt-sock')}`
    // A libvirtd that was killed is started again by whoever keeps it.
    return waitFor(
      `virsh ${args.join(' ')}`,
      async () => {
        try {
          return (await run('virsh', ['-c', uri, ...args], { env: { ...process.env, LC_ALL: 'C' } })).stdout.trim()
        } catch (error) {
          const { stderr = '' } = error as { stderr?: string }
          if (/failed to get domain|no domain with matching/i.test(stderr)) return gone
          return undefined
        }
      },
      { deadlineMs: 30_000, everyMs: 300 },
    )
  }

  /** Undefined: it went away while it was looked at. */
  async #guest(id: string): Promise<FoundGuest | undefined> {
    const xml = await this.#virsh('dumpxml', id)
    const state = await this.#virsh('domstate', id)
    const info = await this.#virsh('dominfo', id)
    if ([xml, state, info].includes(gone)) return undefined
    const saved = /managed save: +yes/i.test(info)
    const folder = join(this.#stateDir, 'instances', id)
    return {
      host: this.#host,
      id,
      isAside: false,
      power: saved && state === 'shut off' ? 7 : (powerOf[state] ?? 0),
      vcpus: Number(/<vcpu[^>]*>(\d+)</.exec(xml)?.[1]),
      memoryMiB: Number(/<memory unit='KiB'>(\d+)</.exec(xml)?.[1]) / 1024,
      volumes: all(xml, /<serial>([0-9a-f-]{36})<\/serial>/g).filter(serial => serial !== id),
      macs: all(xml, /<mac address='([0-9a-f:]+)'/g),
      isRescued: xml.includes('disk.rescue'),
      isIncoming: false,
      disk: existsSync(folder) ? id : null,
    }
  }

  /** Files within a guest's folder that say that something was not finished. */
  #unfinished(folder: string, guest: FoundGuest | undefined): readonly string[] {
    const names = readdirSync(folder).filter(
      // One that was killed in its rescue is still to be unrescued.
      name => half.test(name) || (name.endsWith('.rescue') && guest?.power === 1 && !guest.isRescued),
    )
    return names.map(name => `${join(folder, name)} is left`)
  }

  /** Network devices of guests on this cloud's bridges, by the ports they are named after. */
  async taps(bridges: readonly string[]): Promise<readonly string[]> {
    const { stdout } = await run('ip', ['-o', 'link', 'show'])
    return stdout
      .split('\n')
      .filter(line => bridges.some(bridge => line.includes(`master ${bridge} `)))
      .flatMap(line => /^\d+: (tap[0-9a-f-]+)[@:]/.exec(line)?.[1] ?? [])
  }

  async look(): Promise<HostsView> {
    const ids = (await this.#virsh('list', '--all', '--uuid')).split('\n').filter(id => id !== '')
    const guests: FoundGuest[] = []
    for (const id of ids) {
      const guest = await this.#guest(id)
      if (guest !== undefined) guests.push(guest)
    }
    const instances = join(this.#stateDir, 'instances')
    const names = namesIn(instances)
    const asides = names.filter(name => name.endsWith('_resize')).map(name => name.slice(0, 36))
    const aside = (id: string): FoundGuest => ({
      host: this.#host,
      id,
      isAside: true,
      power: 4,
      vcpus: 0,
      memoryMiB: 0,
      volumes: [],
      macs: [],
      isRescued: false,
      isIncoming: false,
      disk: `${id}_resize`,
    })
    const folders = names.filter(name => guestFolder.test(name))
    return {
      guests: [...guests, ...asides.map(aside)],
      disks: new Map([[instances, folders]]),
      litter: [
        ...folders.flatMap(name =>
          this.#unfinished(
            join(instances, name),
            guests.find(({ id }) => id === name),
          ),
        ),
        ...this.#litter(instances, guests),
      ],
    }
  }

  /** What lies beside the folders of guests, and runs beside the guests, and belongs to nobody. */
  #litter(instances: string, guests: readonly FoundGuest[]): readonly string[] {
    const left = (folder: string, names: readonly string[]) => names.map(name => `${join(folder, name)} is left`)
    const [cache, copies] = [join(instances, '_base'), join(instances, 'snapshots')]
    const saved = namesIn(join(this.#stateDir, 'libvirt/lib/qemu/save')).length
    const suspended = guests.filter(({ power }) => power === 7).length
    const known = new Set(guests.map(({ id }) => id))
    const strays = this.#qemus().filter(({ id }) => !known.has(id))
    return [
      ...left(
        instances,
        namesIn(instances).filter(name => half.test(name)),
      ),
      ...left(
        cache,
        namesIn(cache).filter(name => half.test(name)),
      ),
      ...left(copies, namesIn(copies)),
      ...(saved === suspended ? [] : [`saved memory of ${saved} guests, of which ${suspended} are suspended`]),
      ...strays.map(({ pid, id }) => `QEMU ${pid} of guest ${id}, which libvirt does not know`),
    ]
  }

  #qemus(): readonly { pid: number; id: string }[] {
    return processes()
      .filter(({ commandLine }) => commandLine.includes('qemu-system') && commandLine.includes(`${this.#stateDir}/`))
      .filter(({ commandLine }) => commandLine.includes('guest='))
      .map(({ pid, commandLine }) => ({ pid, id: /\0-uuid\0([0-9a-f-]{36})\0/.exec(commandLine)?.[1] ?? '' }))
  }

  /** Processes of guests. */
  qemus(): readonly number[] {
    return this.#qemus().map(({ pid }) => pid)
  }

  /** libvirtd in the namespace that belongs to this state folder. */
  libvirtd(): number | undefined {
    const { pid: init } = JSON.parse(readFileSync(join(this.#stateDir, 'libvirt/init.json'), 'utf8')) as { pid: number }
    const parentOf = (pid: number): number => {
      try {
        return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
      } catch {
        return 0
      }
    }
    const isBelow = (pid: number): boolean => pid === init || (pid > 1 && isBelow(parentOf(pid)))
    return processes().find(({ pid, commandLine }) => /^(\S*\/)?libvirtd\0/.test(commandLine) && isBelow(pid))?.pid
  }
}
