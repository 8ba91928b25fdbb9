import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type InstanceId, newUuid, silentLog } from '#base'
import { buildStockImage, guestCache } from '#guest'
import type { GuestVif, VirtDriver } from '#virt'
import type { Bench } from '#virt/conformance'
import { createLibvirtDriver, type LibvirtDriverOptions } from '#virt/libvirt'
import { plainMigration } from '../../src/virt/libvirt/moves/settings.ts'
import { MachineHosts } from '../guests/machine-hosts.ts'
import { run } from '../network/wires.ts'
import { driveWriter } from './libvirt-bench.ts'
import { processes } from './processes.ts'
import { TestImages } from './test-images.ts'

/** Two hosts with libvirt on this machine, and a driver for each. */
export interface MovingBench extends Bench {
  readonly second: VirtDriver
  readonly hosts: MachineHosts
  readonly images: TestImages
  readonly folders: readonly [string, string]
  open(number: 0 | 1, overrides?: Partial<LibvirtDriverOptions>): Promise<VirtDriver>
  close(): Promise<void>
}

/** A bridge of the same name on each host. */
const bridge = 'brqmoves'

export async function movingBench({ isShared }: { readonly isShared: boolean }): Promise<MovingBench> {
  const guest = await buildStockImage({ cacheDir: guestCache() })
  const hosts = new MachineHosts(2)
  await hosts.up()
  const images = new TestImages(hosts.folder)
  for (const { netns } of hosts.hosts) {
    await run('ip', '-n', netns, 'link', 'add', bridge, 'type', 'bridge')
    await run('ip', '-n', netns, 'link', 'set', bridge, 'up')
  }
  const folderOf = (name: string) => join(hosts.folder, isShared ? 'shared' : name, 'instances')
  const open = (number: 0 | 1, overrides: Partial<LibvirtDriverOptions> = {}): Promise<VirtDriver> => {
    const host = hosts.hosts[number]
    if (host === undefined) throw new Error('no such host')
    return createLibvirtDriver({
      socketPath: host.daemon.socketPath,
      instancesPath: folderOf(host.name),
      imageSource: images,
      virtType: 'qemu',
      writeConfigDrive: driveWriter(),
      log: silentLog,
      shutdownRetryMs: 3000,
      migration: { ...plainMigration, inboundAddress: host.address },
      handoutAt: { address: '127.0.0.1', port: 0 },
      ...overrides,
    })
  }
  let driver = await open(0)
  const second = await open(1)
  const folders = [folderOf('host-1'), folderOf('host-2')] as const
  let vifs = 0
  return {
    get driver() {
      return driver
    },
    second,
    hosts,
    images,
    folders,
    open,
    image: images.add(guest.path, { properties: guest.properties }),
    bootDeadlineMs: 120_000,
    memoryMiB: guest.minRamMiB,
    async reopen() {
      await driver.close()
      driver = await open(0)
    },
    vif: () => aVif(vifs++),
    async kill(id) {
      for (const pid of qemusOf(id)) process.kill(pid, 'SIGKILL')
    },
    async leftovers(id) {
      const files = [...new Set(folders)].flatMap(folder => readdirSync(folder).filter(name => name.startsWith(id)))
      const definitions = [...(await driver.list()), ...(await second.list())].filter(known => known.id === id)
      return [...files, ...definitions.map(known => known.name), ...qemusOf(id).map(pid => `process ${pid}`)]
    },
    async close() {
      await driver.close()
      await second.close()
      await hosts.down()
    },
  }
}

function aVif(number: number): GuestVif {
  const portId = newUuid()
  const mac = `fa:16:3e:78:00:${number.toString(16).padStart(2, '0')}`
  return { portId, mac, kind: 'bridge', bridge, devName: `tap${portId.slice(0, 11)}`, mtu: 1450, model: 'virtio' }
}

export const qemusOf = (id: InstanceId): number[] =>
  processes()
    .filter(({ commandLine }) => commandLine.includes('qemu-system') && commandLine.includes(`-uuid\0${id}`))
    .map(({ pid }) => pid)
