import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Clock, Log } from '#base'
import type { Db } from '../store/open.ts'
import { Bridges } from './bridges.ts'
import type { Commands } from './commands.ts'
import { Dnsmasqs } from './dnsmasq.ts'
import type { DnsmasqSettings } from './dnsmasq-files.ts'
import { Doors, type OnConnection } from './doors.ts'
import { Firewall } from './firewall.ts'
import { HostRoutes } from './host-routes.ts'
import { LeaseIntake, leaseLines } from './leases.ts'
import { Namespaces } from './namespaces.ts'
import { type HostPlace, OtherHosts } from './other-hosts.ts'

export interface PlumberOptions {
  readonly log: Log
  readonly clock: Clock
  /** Runtime files of the daemons, readable by all; default `/run/nova-network-<id>`. */
  readonly runDirectory?: string
  /** Run everything inside this named network namespace. */
  readonly netns?: string
  /** Given the connections of guests to the metadata service; without it there is none. */
  readonly onMetadata?: OnConnection
  /** Program that dnsmasq calls about leases; default: a small one that runs `dhcpBridge` of this module. */
  readonly dhcpBridge?: string
  readonly domain?: string
  readonly leaseSeconds?: number
  readonly checkEveryMs?: number
  /** Hosts of this machine that live in network namespaces of their own: their guests are wired to ours. */
  readonly others?: readonly HostPlace[]
}

/** What the plumber works with. */
export interface Parts {
  readonly directory: string
  readonly db: Db
  readonly firewall: Firewall
  readonly bridges: Bridges
  readonly namespaces: Namespaces
  readonly hostRoutes: HostRoutes
  readonly dnsmasqs: Dnsmasqs
  readonly dnsmasqSettings: DnsmasqSettings
  readonly dnsmasqScript: string
  readonly doors: Doors | undefined
  readonly leases: LeaseIntake
  readonly others: OtherHosts
}

const defaultLeaseSeconds = 86_400

/** Under which everything of a deployment is kept on the host. */
export const nameOf = (deployment: string): string => `nova-network-${deployment}`

/** Made before anything else on the host, and removed after it. */
export const runDirectoryOf = (name: string): string => `/run/${name}`

/** `name`: under which everything on the host is kept. */
export async function assemble(options: PlumberOptions, here: Commands, db: Db, name: string): Promise<Parts> {
  const { log, onMetadata, clock, netns, others, domain = 'novalocal' } = options
  const { runDirectory: directory = runDirectoryOf(name), leaseSeconds = defaultLeaseSeconds } = options
  await mkdir(directory, { recursive: true, mode: 0o755 })
  await chmod(directory, 0o755)
  const leases = new LeaseIntake(db, join(directory, 'spool'), leaseSeconds, log)
  return {
    directory,
    db,
    leases,
    firewall: new Firewall(here, name),
    bridges: new Bridges(here, name),
    namespaces: new Namespaces({ here, alias: name, notes: join(directory, 'namespaces') }),
    hostRoutes: new HostRoutes(here, log),
    others: new OtherHosts(here, name, others ?? []),
    doors: onMetadata === undefined ? undefined : new Doors(log, onMetadata),
    dnsmasqSettings: { domain, leaseSeconds, hasMetadata: onMetadata !== undefined },
    dnsmasqScript: options.dhcpBridge ?? (await writeScript(directory)),
    dnsmasqs: new Dnsmasqs({
      netns,
      log,
      directory,
      leases: async networkId => {
        await leases.take()
        return leaseLines(db, networkId, clock.now())
      },
    }),
  }
}

/** dnsmasq runs a program without arguments of its own, so the path to this module is written into one. */
async function writeScript(directory: string): Promise<string> {
  const path = join(directory, 'nova-dhcpbridge')
  const module = JSON.stringify(new URL('./dhcp-bridge.ts', import.meta.url).href)
  const text = `#!${process.execPath}\nimport(${module}).then(m => { process.exitCode = m.dhcpBridge(process.argv.slice(2), process.env) })\n`
  if (!isAbsolute(process.execPath)) throw new Error('node has no absolute path')
  await writeFile(path, text, { mode: 0o755 })
  await chmod(path, 0o755)
  return path
}
