import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fromJson } from '#base'
import { cloudFolder, removeLeftovers, TestCloud } from '../guests/cloud.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { Client, type Service } from './client.ts'
import type { Dice } from './dice.ts'
import { RealHost } from './real-host.ts'

const prefix = 'nova-chaos-'

function end(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch {
    // Ended by itself.
  }
}

const urlsOf = (urls: Readonly<Record<string, string>>): Readonly<Record<Service, string>> => {
  const bare = (name: string) => (urls[name] ?? '').replace(/\/v[0-9.]+$/, '')
  const services = ['identity', 'image', 'network', 'placement', 'volume'] as const
  return {
    ...Object.fromEntries(services.map(name => [name, bare(name)])),
    compute: urls['compute'] ?? '',
  } as Readonly<Record<Service, string>>
}

/** What tells of the run, beside the folder, which goes with the cloud. */
function keepFiles(folder: string): void {
  mkdirSync(`${folder}.kept`)
  for (const name of readdirSync(folder).filter(entry => /^nova\.(log|sqlite.*)$/.test(entry)))
    cpSync(join(folder, name), join(`${folder}.kept`, name))
  cpSync(join(folder, 'libvirt/daemon.log'), join(`${folder}.kept`, 'libvirtd.log'))
  cpSync(join(folder, 'libvirt/log/qemu'), join(`${folder}.kept`, 'qemu'), { recursive: true })
}

/** nova-allinone with libvirt: killed are the control plane, libvirtd and QEMU processes of guests. */
export async function realGuestsArena(offset: number, dice: Dice): Promise<Arena> {
  await removeLeftovers(prefix)
  const folder = cloudFolder(prefix)
  const configFile = `${folder}.conf`
  const quick = '[libvirt]\nwait_soft_reboot_seconds = 2\n[quota]\ninstances = -1\ncores = -1\nram = -1\n'
  writeFileSync(
    configFile,
    `[DEFAULT]\nallow_resize_to_same_host = true\ncpu_allocation_ratio = 32${impatience}${quick}`,
  )
  const cloud = new TestCloud(offset, folder)
  // In place of the one whose kernel is compiled for minutes, from the beginning after each kill.
  const image = `${folder}.image`
  writeFileSync(image, Buffer.alloc(65_536, 1))
  const start = () => cloud.start('--bare', '--image', image, '--config-file', configFile)
  const close = async (keepsFiles = false) => {
    if (keepsFiles) keepFiles(folder)
    await cloud.destroy()
    for (const file of [configFile, image]) rmSync(file, { force: true })
  }
  try {
    let { urls } = await start()
    const host = new RealHost(hostname(), folder)
    const targets: Target[] = [
      {
        name: 'nova-allinone',
        kill: () => cloud.stop('SIGKILL'),
        start: async () => {
          urls = (await start()).urls
        },
      },
      // Whoever keeps it starts it again.
      { name: 'libvirtd', kill: async () => end(host.libvirtd()), start: async () => undefined },
      { name: 'a guest', kill: async () => end(dice.pick(host.qemus())), start: async () => undefined },
    ]
    const { adminPassword } = fromJson<{ adminPassword: string }>(readFileSync(join(folder, 'secrets.json'), 'utf8'))
    const client = new Client(() => urlsOf(urls), adminPassword)
    await client.login()
    const look = async () => {
      const { networks } = (await client.get('network', '/v2.0/networks')).body
      const { ports } = (await client.get('network', '/v2.0/ports')).body
      const known = new Set(ports.map(({ id }: { id: string }) => `tap${id.slice(0, 11)}`))
      const taps = await host.taps(networks.map(({ id }: { id: string }) => `brq${id.slice(0, 11)}`))
      const view = await host.look()
      const lost = taps.filter(tap => !known.has(tap)).map(tap => `${tap} of no port`)
      return { ...view, litter: [...view.litter, ...lost] }
    }
    const databases = [`sqlite:///${join(folder, 'nova.sqlite')}`]
    return { client, targets, hostCount: 1, look, databases, folder, killsGuests: true, close }
  } catch (error) {
    await close()
    throw error
  }
}
