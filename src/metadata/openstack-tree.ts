/** OpenStack's documents of one version. */
import { randomBytes } from 'node:crypto'
import type { Json } from '#base'
import { fullHostname } from './ec2-tree.ts'
import type { InstanceMetadata, MetadataDevice } from './source.ts'
import { isSince, type OpenstackVersion } from './versions.ts'

export type JsonObject = { [key: string]: Json }

/** What only a config drive carries. */
export interface DriveExtras {
  readonly adminPassword?: string
  readonly files?: readonly { path: string; content: Uint8Array }[]
  /** The rendered network template of old, [DEFAULT]injected_network_template. */
  readonly networkTemplate?: string
}

export interface OpenstackContext extends DriveExtras {
  readonly dhcpDomain: string
  /** 512 bytes, new at every read. */
  readonly randomSeed?: () => Buffer
}

const seedBytes = 512

/** The first document of each name, in the order of a version's listing. */
export const documents = {
  metaData: { name: 'meta_data.json', since: '2012-08-10' },
  userData: { name: 'user_data', since: '2012-08-10' },
  password: { name: 'password', since: '2013-04-04' },
  vendorData: { name: 'vendor_data.json', since: '2013-10-17' },
  networkData: { name: 'network_data.json', since: '2015-10-15' },
  vendorData2: { name: 'vendor_data2.json', since: '2016-10-06' },
} as const satisfies Record<string, { name: string; since: OpenstackVersion }>
export type DocumentName = (typeof documents)[keyof typeof documents]['name']

/** The names under `/openstack/<version>/`. */
export function documentNames(view: InstanceMetadata, version: OpenstackVersion): DocumentName[] {
  return Object.values(documents)
    .filter(({ name, since }) => isSince(version, since) && (name !== 'user_data' || view.userData !== null))
    .map(({ name }) => name)
}

/** Bodies under `/openstack/content/NNNN`: the network template, then the injected files. */
export function contents(extras: DriveExtras): { id: string; content: Uint8Array }[] {
  const template = extras.networkTemplate === undefined ? [] : [Buffer.from(extras.networkTemplate)]
  const bodies = [...template, ...(extras.files ?? []).map(file => file.content)]
  return bodies.map((content, index) => ({ id: String(index).padStart(4, '0'), content }))
}

function contentPaths(extras: DriveExtras): JsonObject {
  const ids = contents(extras).map(({ id }) => `/content/${id}`)
  const first = extras.networkTemplate === undefined ? 0 : 1
  const files = (extras.files ?? []).map(({ path }, index) => ({ path, content_path: ids[index + first] ?? '' }))
  return {
    ...(files.length === 0 ? {} : { files }),
    ...(extras.adminPassword === undefined ? {} : { admin_pass: extras.adminPassword }),
    ...(first === 0 ? {} : { network_config: { name: 'network_config', content_path: ids[0] ?? '' } }),
  }
}

/** Undefined for a device that this version does not show. */
function device(entry: MetadataDevice, version: OpenstackVersion): JsonObject | undefined {
  const place = {
    bus: entry.bus,
    address: entry.address ?? 'none',
    ...(entry.tags.length === 0 ? {} : { tags: [...entry.tags] }),
  }
  if (entry.kind === 'disk') {
    const { serial, path } = entry
    return { type: 'disk', ...(serial === null ? {} : { serial }), ...(path === null ? {} : { path }), ...place }
  }
  if (entry.kind === 'share') {
    return isSince(version, '2025-04-04')
      ? { type: 'share', share_id: entry.shareId, tag: entry.tag, ...place }
      : undefined
  }
  const hasVlan = isSince(version, '2017-02-22') && entry.vlan !== null
  const hasTrust = isSince(version, '2018-08-27')
  if (entry.tags.length === 0 && !hasVlan && !hasTrust) return undefined
  return {
    ...(hasVlan ? { vlan: entry.vlan } : {}),
    ...(hasTrust ? { vf_trusted: entry.isTrusted } : {}),
    type: 'nic',
    mac: entry.mac,
    ...place,
  }
}

function keys(view: InstanceMetadata): JsonObject {
  if (view.key === null) return {}
  const { name, type, publicKey } = view.key
  return { public_keys: { [name]: publicKey }, keys: [{ name, type, data: publicKey }] }
}

export function metaDataDocument(
  view: InstanceMetadata,
  version: OpenstackVersion,
  context: OpenstackContext,
): JsonObject {
  const since = (date: OpenstackVersion, values: () => JsonObject) => (isSince(version, date) ? values() : {})
  const seed = context.randomSeed ?? (() => randomBytes(seedBytes))
  return {
    uuid: view.id,
    ...(Object.keys(view.metadata).length === 0 ? {} : { meta: { ...view.metadata } }),
    ...contentPaths(context),
    ...keys(view),
    hostname: fullHostname(view.hostname, context.dhcpDomain),
    name: view.displayName,
    launch_index: view.launchIndex,
    availability_zone: view.availabilityZone,
    ...since('2013-04-04', () => ({ random_seed: seed().toString('base64') })),
    ...since('2015-10-15', () => ({ project_id: view.projectId })),
    ...since('2016-06-30', () => ({
      devices: view.devices.map(entry => device(entry, version)).filter(entry => entry !== undefined),
    })),
    ...since('2020-10-14', () => ({ dedicated_cpus: [...view.dedicatedCpus].sort((a, b) => a - b) })),
  }
}
