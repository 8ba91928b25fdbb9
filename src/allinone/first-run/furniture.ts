import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Cloud } from '../cloud.ts'
import type { CloudClient } from './client.ts'

/** Sizes every OpenStack user knows, and one that fits the small guest. */
const flavors = [
  { name: 'm1.micro', ram: 128, disk: 1, vcpus: 1 },
  { name: 'm1.tiny', ram: 512, disk: 1, vcpus: 1 },
  { name: 'm1.small', ram: 2048, disk: 20, vcpus: 1 },
  { name: 'm1.medium', ram: 4096, disk: 40, vcpus: 2 },
  { name: 'm1.large', ram: 8192, disk: 80, vcpus: 4 },
  { name: 'm1.xlarge', ram: 16_384, disk: 160, vcpus: 8 },
] as const

/** The size of the first server. */
export const firstFlavor = flavors[0].name

export async function makeFlavors(client: CloudClient): Promise<void> {
  const { flavors: known } = await client.call<{ flavors: { name: string }[] }>('compute', 'GET', '/flavors')
  const names = new Set(known.map(f => f.name))
  for (const flavor of flavors)
    if (!names.has(flavor.name)) await client.call('compute', 'POST', '/flavors', { flavor })
}

/**
 * The network `private` of the administrator's project, on a subnet that nothing on this machine uses, and a router from
 * there to `public`, where floating addresses come from.
 */
export async function makeNetworks({ network, identity }: Cloud) {
  const projectId = identity.bootstrapped.adminProjectId
  const inside = await network.ensureDefaultNetwork({ projectId, name: 'private' })
  await network.ensurePublicNetwork({ projectId, name: 'public', insideId: inside.id })
  return inside
}

const openings = [
  { direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 22, port_range_max: 22 },
  { direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp' },
] as const

interface Group {
  readonly id: string
  readonly name: string
}

interface GroupRule {
  readonly protocol: string | null
  readonly direction: string
  readonly remote_ip_prefix: string | null
  readonly remote_group_id: string | null
}

/** Lets ping and ssh in: into a group of its own, and into `default`, so that the first commands of a user just work. */
export async function openGroups(client: CloudClient, ownGroup: string): Promise<void> {
  const { security_groups: known } = await client.call<{ security_groups: Group[] }>(
    'network',
    'GET',
    '/security-groups',
  )
  const groups = known.filter(g => g.name === 'default' || g.name === ownGroup)
  if (!groups.some(g => g.name === ownGroup)) {
    const security_group = { name: ownGroup, description: 'Ping and ssh from everywhere' }
    const made = await client.call<{ security_group: Group }>('network', 'POST', '/security-groups', { security_group })
    groups.push(made.security_group)
  }
  for (const group of groups) {
    const query = `/security-group-rules?security_group_id=${group.id}`
    const { security_group_rules: rules } = await client.call<{ security_group_rules: GroupRule[] }>(
      'network',
      'GET',
      query,
    )
    for (const opening of openings) {
      const isOpen = rules.some(
        r => r.direction === 'ingress' && r.protocol === opening.protocol && r.remote_group_id === null,
      )
      if (isOpen) continue
      const security_group_rule = { ...opening, security_group_id: group.id }
      await client.call('network', 'POST', '/security-group-rules', { security_group_rule })
    }
  }
}

/** An ssh key of this state folder, known to Nova under the given name. */
export async function makeKey(client: CloudClient, stateDir: string, name: string): Promise<string> {
  const file = join(stateDir, 'keys', name)
  mkdirSync(join(stateDir, 'keys'), { recursive: true, mode: 0o700 })
  if (!existsSync(`${file}.pub`))
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `${name}@nova`, '-f', file])
  const { keypairs } = await client.call<{ keypairs: { keypair: { name: string } }[] }>(
    'compute',
    'GET',
    '/os-keypairs',
  )
  if (!keypairs.some(k => k.keypair.name === name)) {
    await client.call('compute', 'POST', '/os-keypairs', {
      keypair: { name, public_key: readFileSync(`${file}.pub`, 'utf8').trim() },
    })
  }
  return file
}
