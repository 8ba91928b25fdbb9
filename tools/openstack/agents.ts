/**
 * Neutron's agents for Linux bridges, DHCP, routers and metadata, on the host that real guests are on. They change bridges,
 * name spaces and packet filters of the machine that they are on, which is why that is one of its own (machine.mjs).
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Rest } from '../../test/cloud/rest.ts'
import type { Neighbours } from './neighbours.ts'
import { uplink } from './neutron.ts'
import { host, withShims } from './place.ts'

const run = promisify(execFile)

/** The host of the agents, and of the nova-compute beside them. */
export const guestHost = 'guests-1'

/** The other end of the wire of the flat network: the address from which this machine reaches floating ones. */
const ourEnd = 'neighbours1'
export const outsideCidr = '172.24.0.0/20'
export const ourAddress = '172.24.0.1'

async function layWire(): Promise<void> {
  await run('ip', ['link', 'add', uplink, 'type', 'veth', 'peer', 'name', ourEnd])
  await run('ip', ['link', 'set', uplink, 'up'])
  await run('ip', ['link', 'set', ourEnd, 'up'])
  await run('ip', ['address', 'add', `${ourAddress}/20`, 'dev', ourEnd])
}

export async function startAgents({ place, programs, neutronFiles }: Neighbours): Promise<void> {
  await layWire()
  const configure = (name: string, options: Readonly<Record<string, string | number | boolean>>) =>
    `--config-file=${place.configure('neutron', name, { DEFAULT: options })}`
  const here = configure('host.ini', { host: guestHost })
  // As somebody else it would find no host: the folder is for us alone.
  const dnsmasq = join(place.at('etc', 'neutron'), 'dnsmasq.conf')
  writeFileSync(dnsmasq, 'user=root\n')
  const interfaceDriver = { interface_driver: 'linuxbridge' }
  const metadata = {
    nova_metadata_host: host,
    nova_metadata_port: place.ports.metadata,
    metadata_proxy_shared_secret: place.metadataSecret,
    metadata_workers: 1,
  }
  const own = {
    'neutron-linuxbridge-agent': [],
    'neutron-dhcp-agent': [
      configure('dhcp_agent.ini', {
        ...interfaceDriver,
        dnsmasq_config_file: dnsmasq,
        enable_isolated_metadata: true,
        force_metadata: true,
      }),
    ],
    'neutron-l3-agent': [configure('l3_agent.ini', interfaceDriver)],
    'neutron-metadata-agent': [configure('metadata_agent.ini', metadata)],
  }
  for (const [name, files] of Object.entries(own))
    programs.start(name, name, [...neutronFiles, here, ...files], withShims(place))
  const admin = await Rest.login(place.url('keystone'), 'admin', place.passwords.admin, 'admin')
  for (const name of Object.keys(own))
    await programs.until(name, async () => {
      const { agents } = await admin.call<{ agents: readonly { alive: boolean }[] }>(
        'network',
        'GET',
        `/v2.0/agents?binary=${name}&host=${guestHost}`,
      )
      return agents.some(agent => agent.alive) || undefined
    })
}
