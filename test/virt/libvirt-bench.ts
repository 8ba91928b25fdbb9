import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InstanceId, newUuid, silentLog, waitFor } from '#base'
import { buildStockImage, guestCache } from '#guest'
import { writeDriveImage } from '#metadata'
import type { GuestVif, GuestVolume, VirtDriver } from '#virt'
import type { Bench } from '#virt/conformance'
import {
  type ConfigDriveWriter,
  createLibvirtDriver,
  type LibvirtDaemon,
  type LibvirtDriverOptions,
  startLibvirt,
  stopEverything,
} from '#virt/libvirt'
import { processes } from './processes.ts'
import { TestImages } from './test-images.ts'

export interface LibvirtBench extends Bench {
  /** A second driver beside the first. */
  open(overrides: Partial<LibvirtDriverOptions>): Promise<VirtDriver>
  readonly images: TestImages
  readonly instancesPath: string
  readonly stateDir: string
  readonly daemon: LibvirtDaemon
  qemuOf(id: InstanceId): number | undefined
  close(): Promise<void>
}

/** The writer of the product, by a program that may be missing. */
export const driveWriter =
  (mkisofs = 'genisoimage'): ConfigDriveWriter =>
  drive =>
    writeDriveImage({ ...drive, mkisofs, publisher: 'OpenStack Nova test' })

/** A private libvirtd, a bridge, and a driver over a folder that all go away with `close`. */
export async function libvirtBench(): Promise<LibvirtBench> {
  const guest = await buildStockImage({ cacheDir: guestCache() })
  const folder = mkdtempSync(join(tmpdir(), 'nova-libvirt-'))
  const stateDir = join(folder, 'libvirt')
  const instancesPath = join(folder, 'instances')
  const bridge = `nvt${process.pid.toString(16)}`
  const images = new TestImages(folder)
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge'])
  execFileSync('ip', ['link', 'set', bridge, 'up'])
  const daemon = await startLibvirt({ stateDir, log: silentLog, systemDaemon: 'ignore' })
  const open = (overrides: Partial<LibvirtDriverOptions> = {}): Promise<VirtDriver> =>
    createLibvirtDriver({
      socketPath: daemon.socketPath,
      instancesPath,
      imageSource: images,
      virtType: 'auto',
      writeConfigDrive: driveWriter(),
      log: silentLog,
      shutdownRetryMs: 3000,
      ...overrides,
    })
  let driver = await open()
  let vifs = 0
  return {
    get driver() {
      return driver
    },
    open,
    images,
    instancesPath,
    stateDir,
    daemon,
    image: images.add(guest.path, { properties: guest.properties }),
    bootDeadlineMs: 120_000,
    memoryMiB: guest.minRamMiB,
    async reopen() {
      await driver.close()
      driver = await open()
    },
    vif: () => aVif(bridge, vifs++),
    volume: () => aVolume(folder),
    async kill(id) {
      const pid = qemuOf(id)
      if (pid === undefined) throw new Error('the guest has no process')
      process.kill(pid, 'SIGKILL')
    },
    leftovers: async id => [...(await leftovers(driver, instancesPath, id)), ...secretsOf(daemon, id)],
    qemuOf,
    async close() {
      await driver.close()
      await stopEverything(stateDir)
      execFileSync('ip', ['link', 'delete', bridge])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function aVif(bridge: string, number: number): GuestVif {
  const portId = newUuid()
  const mac = `fa:16:3e:77:00:${number.toString(16).padStart(2, '0')}`
  return { portId, mac, kind: 'bridge', bridge, devName: `tap${portId.slice(0, 11)}`, mtu: 1450, model: 'virtio' }
}

/** As the built-in volume service connects one: a sparse file. */
export function aVolume(folder: string, gib = 1): GuestVolume {
  const id = newUuid()
  const path = join(folder, `volume-${id}`)
  writeFileSync(path, '')
  truncateSync(path, gib * 1024 ** 3)
  const data = { device_path: path, format: 'raw', access_mode: 'rw', encrypted: false, discard: true }
  return { id, connection: { driverVolumeType: 'local', data } }
}

async function leftovers(driver: VirtDriver, instancesPath: string, id: InstanceId): Promise<string[]> {
  const files = readdirSync(instancesPath).filter(name => name.startsWith(id))
  const snapshots = join(instancesPath, 'snapshots')
  const partial = [
    ...readdirSync(join(instancesPath, '_base')).filter(name => name.includes('.part')),
    ...(existsSync(snapshots) ? readdirSync(snapshots).filter(name => name.startsWith(id)) : []),
  ]
  const definitions = (await driver.list()).filter(guest => guest.id === id).map(guest => guest.name)
  const process = qemuOf(id)
  return [...files, ...partial, ...definitions, ...(process === undefined ? [] : [`process ${process}`])]
}

/** Secrets that libvirt has for a guest. */
export const secretsOf = ({ socketPath }: LibvirtDaemon, id: InstanceId): string[] =>
  execFileSync('virsh', ['-q', '-c', `qemu:///system?socket=${socketPath}`, 'secret-list'], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.includes(id))

function qemuOf(id: InstanceId): number | undefined {
  return processes().find(
    ({ commandLine }) => commandLine.includes('qemu-system') && commandLine.includes(`-uuid\0${id}`),
  )?.pid
}

/** Host pid of a daemon that keeps its state there: one whose namespace is that of the first process of them. */
export function daemonPid({ stateDir }: { readonly stateDir: string }, name: string): Promise<number> {
  const init = Number(readFileSync(join(stateDir, 'init.pid'), 'utf8'))
  const { ino } = statSync(`/proc/${init}/ns/pid`)
  const inNamespace = (pid: number) => {
    try {
      return statSync(`/proc/${pid}/ns/pid`).ino === ino
    } catch {
      return false
    }
  }
  return waitFor(
    `process ${name}`,
    () => processes().find(p => p.commandLine.startsWith(`${name}\0`) && inNamespace(p.pid))?.pid,
    {
      deadlineMs: 60_000,
    },
  )
}
