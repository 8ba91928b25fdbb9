/** EC2's tree of one version, and how a part of it looks as text. */
import type { InstanceMetadata } from './source.ts'
import { type Ec2Version, isSince } from './versions.ts'

/** `_name` is how a folder calls itself in the listing of its parent. */
export type Ec2Value = null | number | string | Buffer | readonly string[] | { readonly [key: string]: Ec2Value }

export const fullHostname = (hostname: string, dhcpDomain: string): string =>
  dhcpDomain === '' ? hostname : `${hostname}.${dhcpDomain}`

const ec2Id = (prefix: string, number: number): string => `${prefix}-${number.toString(16).padStart(8, '0')}`
const withoutDev = (device: string): string => device.replace(/^\/dev\//, '')

/** Without a root device name Nova shows names from the days of Xen. */
const legacyMapping = { ami: 'sda1', ephemeral0: 'sda2', root: '/dev/sda1', swap: 'sda3' }

function blockDeviceMapping({ root, volumes, ephemerals, swap }: InstanceMetadata['disks']): Ec2Value {
  if (root === null) return legacyMapping
  return {
    ami: withoutDev(root),
    root,
    ...Object.fromEntries([...volumes].sort().map((device, index) => [`ebs${index}`, device])),
    ...Object.fromEntries(ephemerals.map((device, index) => [`ephemeral${index}`, device])),
    ...(swap === null ? {} : { swap }),
  }
}

function addresses(view: InstanceMetadata): { fixed: string; floating: string } {
  const ips = view.vifs.flatMap(vif => vif.subnets).flatMap(subnet => subnet.ips)
  return {
    fixed: ips.find(ip => ip.version === 4)?.address ?? '',
    floating: ips.flatMap(ip => ip.floatingIps)[0] ?? '',
  }
}

export interface Ec2Context {
  readonly dhcpDomain: string
  /** Stands in for local-ipv4 when the server has no IPv4 address of its own. */
  readonly requester: string | null
}

function metaData(
  view: InstanceMetadata,
  version: Ec2Version,
  context: Ec2Context,
): { readonly [key: string]: Ec2Value } {
  const hostname = fullHostname(view.hostname, context.dhcpDomain)
  const { fixed, floating } = addresses(view)
  const { image, kernel, ramdisk } = view.ec2
  const since = (date: Ec2Version, values: { readonly [key: string]: Ec2Value }) =>
    isSince(version, date) ? values : {}
  return {
    'ami-id': image === null ? null : ec2Id('ami', image),
    'ami-launch-index': view.launchIndex,
    'ami-manifest-path': 'FIXME',
    'instance-id': ec2Id('i', view.ec2.instance),
    hostname,
    'local-ipv4': fixed === '' ? context.requester : fixed,
    'reservation-id': view.reservationId,
    'security-groups': view.securityGroups,
    ...(view.key === null
      ? {}
      : { 'public-keys': { '0': { _name: `0=${view.key.name}`, 'openssh-key': view.key.publicKey } } }),
    ...since('2007-01-19', { 'local-hostname': hostname, 'public-hostname': hostname, 'public-ipv4': floating }),
    ...since('2007-08-29', { 'instance-type': view.flavorName }),
    ...since('2007-12-15', {
      'block-device-mapping': blockDeviceMapping(view.disks),
      ...(kernel === null ? {} : { 'kernel-id': ec2Id('aki', kernel) }),
      ...(ramdisk === null ? {} : { 'ramdisk-id': ec2Id('ari', ramdisk) }),
    }),
    ...since('2008-02-01', { placement: { 'availability-zone': view.availabilityZone } }),
    ...since('2008-09-01', { 'instance-action': 'none' }),
  }
}

export const userDataBytes = (view: InstanceMetadata): Buffer | undefined =>
  view.userData === null ? undefined : Buffer.from(view.userData, 'base64')

/** `meta-data` and, when there is any, `user-data`. */
export function ec2Tree(
  view: InstanceMetadata,
  version: Ec2Version,
  context: Ec2Context,
): { readonly 'meta-data': { readonly [key: string]: Ec2Value }; readonly 'user-data'?: Buffer } {
  const userData = userDataBytes(view)
  return { 'meta-data': metaData(view, version, context), ...(userData === undefined ? {} : { 'user-data': userData }) }
}

const isFolder = (value: Ec2Value): value is { readonly [key: string]: Ec2Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)

/** Undefined when the path leads nowhere. */
export function ec2Find(tree: Ec2Value, path: readonly string[]): Ec2Value | undefined {
  let value: Ec2Value = tree
  for (const part of path) {
    if (!isFolder(value)) return undefined
    const next: Ec2Value | undefined = Object.hasOwn(value, part) ? value[part] : undefined
    if (next === undefined) return undefined
    value = next
  }
  return value
}

/** A folder as the sorted list of its entries, a list as lines, anything else as Python's str() has it. */
export function ec2Text(value: Ec2Value): string | Buffer {
  if (Buffer.isBuffer(value)) return value
  if (value === null) return 'None'
  if (isFolder(value)) {
    return Object.keys(value)
      .filter(key => key !== '_name')
      .sort()
      .map(key => entryName(key, value[key] ?? null))
      .join('\n')
  }
  return typeof value === 'object' ? value.join('\n') : String(value)
}

function entryName(key: string, value: Ec2Value): string {
  if (!isFolder(value)) return key
  return typeof value._name === 'string' ? value._name : `${key}/`
}
