import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fromJson } from '#base'
import { TestCloud } from '../guests/cloud.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { Client, type Service } from './client.ts'
import type { Dice } from './dice.ts'
import { RealHost } from './real-host.ts'

/** Not TMPDIR: what a killed run leaves there must be found by the next one. */
const parent = '/var/tmp'
const prefix = 'nova-chaos-'
const leftover = /^nova-chaos-\w{6}$/

/** Clouds of runs that were killed. */
async function removeLeftovers(offset: number): Promise<void> {
  for (const name of readdirSync(parent).filter(entry => leftover.test(entry))) {
    await new TestCloud(offset, join(parent, name)).destroy().catch(error => {
      // A cloud in use belongs to a run of now.
      if (!String((error as { stderr?: string }).stderr).includes('Another cloud')) throw error
    })
  }
}

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

/** nova-allinone with libvirt: killed are the control plane, libvirtd and QEMU processes of guests. */
export async function realGuestsArena(offset: number, dice: Dice): Promise<Arena> {
  await removeLeftovers(offset)
  const folder = mkdtempSync(join(parent, prefix))
  const configFile = `${folder}.conf`
  const quick = '[libvirt]\nwait_soft_reboot_seconds = 2\n[quota]\ninstances = -1\ncores = -1\nram = -1\n'
  writeFileSync(
    configFile,
    `[DEFAULT]\nallow_resize_to_same_host = true\ncpu_allocation_ratio = 32${impatience}${quick}`,
  )
  const cloud = new TestCloud(offset, folder)
  const start = () => cloud.start('--bare', '--config-file', configFile)
  const close = async (keepsFiles = false) => {
    if (keepsFiles) cpSync(join(folder, 'nova.log'), `${folder}.log`)
    await cloud.destroy()
    rmSync(configFile, { force: true })
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
    const database = `sqlite:///${join(folder, 'nova.sqlite')}`
    return { client, targets, hostCount: 1, look, database, folder, killsGuests: true, close }
  } catch (error) {
    await close()
    throw error
  }
}
