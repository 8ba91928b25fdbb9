import type { Caller } from '#cloud'
import { checkHardware, type Flavor, type InstanceImage, type InstanceKey, numaTopology, withEncryption } from '#model'
import type { BuildIntent } from '../../accept/build.ts'
import { encryptionFor, openImage } from '../../accept/disk-encryption.ts'
import { nearnessOf } from '../../accept/network-nearness.ts'
import { numaPolicyOf, pciWishes } from '../../accept/pci.ts'
import { portWishes } from '../../accept/port-wishes.ts'
import type { ApiDeps } from '../../deps.ts'
import { canonicalIpV6 } from './access-address.ts'
import { placeFor } from './create-destination.ts'
import { BadServerRequest, FilesLimitExceeded, MetadataLimitExceeded, PortResourcesTooEarly } from './create-faults.ts'
import { networksFor, securityGroupIdsFor, withinPortQuota } from './create-networks.ts'
import type { CreateBody, CreateEnvelope } from './create-shape.ts'
import { askedDevices, bootDevicesFor } from './devices/index.ts'
import { zoneWithVolumes } from './devices/zones.ts'
import { injectedFiles } from './personality.ts'

async function flavorFor(deps: ApiDeps, caller: Caller, flavorRef: string | number): Promise<Flavor> {
  const id = String(flavorRef).split('/').at(-1) ?? ''
  const flavor = await deps.store.flavors.find(id)
  const mayUse =
    flavor !== undefined &&
    (flavor.isPublic ||
      caller.roles.includes('admin') ||
      (await deps.store.flavors.projects(flavor)).includes(caller.projectId ?? ''))
  if (flavor === undefined || !mayUse) throw BadServerRequest({ text: `Flavor ${id} could not be found.` })
  return flavor
}

export async function keyFor(deps: ApiDeps, caller: Caller, keyName: string | undefined): Promise<InstanceKey | null> {
  if (keyName === undefined) return null
  const keys = await deps.store.keypairs.list(caller.userId)
  const key = keys.find(k => k.name === keyName)
  if (key === undefined) throw BadServerRequest({ text: 'Invalid key_name provided.' })
  return { name: key.name, type: key.type, publicKey: key.publicKey }
}

export async function checkQuotas(
  deps: ApiDeps,
  caller: Caller,
  asked: { metadata: Readonly<Record<string, string>>; files: readonly { path: string; contents: string }[] },
): Promise<void> {
  const limits = await deps.quotas.limits(deps.store, caller.projectId ?? '')
  const over = (resource: string, count: number) => (limits[resource] ?? -1) >= 0 && count > (limits[resource] ?? 0)
  if (over('metadata_items', Object.keys(asked.metadata).length))
    throw MetadataLimitExceeded({ allowed: limits['metadata_items'] ?? 0 })
  if (over('injected_files', asked.files.length)) throw FilesLimitExceeded({ text: `Personality file limit exceeded` })
  for (const file of asked.files) {
    if (over('injected_file_path_bytes', file.path.length))
      throw FilesLimitExceeded({ text: 'Personality file path exceeds maximum length' })
    if (over('injected_file_content_bytes', Buffer.from(file.contents, 'base64').length)) {
      throw FilesLimitExceeded({ text: 'Personality file content exceeds maximum length' })
    }
  }
}

function counts(body: { min_count?: number; max_count?: number; hostname?: string }): {
  minCount: number
  maxCount: number
} {
  const minCount = body.min_count ?? 1
  const maxCount = body.max_count ?? minCount
  if (minCount > maxCount) throw BadServerRequest({ text: 'min_count must be <= max_count' })
  if (maxCount > 1 && body.hostname !== undefined) {
    throw BadServerRequest({ text: 'The hostname cannot be set if you request more than one instance.' })
  }
  return { minCount, maxCount }
}

/** Every hint is a list, however it was given. */
function hintsOf(hints: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, readonly string[]>> {
  const listed = Object.entries(hints ?? {}).map(([name, value]) => {
    const values = Array.isArray(value) ? value : [value]
    return [name, values.map(v => (typeof v === 'string' ? v : JSON.stringify(v)))] as const
  })
  return Object.fromEntries(listed)
}

/** The group that a hint names; any project's, as in Nova. */
async function groupFor(deps: ApiDeps, hint: string | undefined): Promise<string | null> {
  if (hint === undefined || hint === '') return null
  const group = await deps.store.serverGroups.find(hint)
  if (group === undefined) throw BadServerRequest({ text: `Instance group ${hint} could not be found.` })
  return group.id
}

export interface IntentContext {
  readonly caller: Caller
  readonly insist: (rule: string) => void
  readonly may: (rule: string) => boolean
  /** Below 2.19 a server is described by its name. */
  readonly isDescribedByName: boolean
  /** From 2.60 on. */
  readonly takesMultiattach: boolean
  /** From 2.72 on: ports that want bandwidth or packets of their host. */
  readonly takesPortResources: boolean
  readonly adminPassword: string
}

/** Rules that parts of the request need. */
function requireParts(body: CreateBody, deviceCount: number, insist: (rule: string) => void): void {
  if (body.networks !== undefined && body.networks !== 'auto') insist('os_compute_api:servers:create:attach_network')
  if (body.trusted_image_certificates) insist('os_compute_api:servers:create:trusted_certs')
  if (deviceCount > 0) insist('os_compute_api:servers:create:attach_volume')
}

/** The user may ask, the operator may insist for all servers, the image for its own; nobody can say no to them. */
const hasConfigDrive = (deps: ApiDeps, asked: boolean | undefined, image: InstanceImage): boolean =>
  asked === true || deps.settings.forceConfigDrive || image.properties['img_config_drive'] === 'mandatory'

/** Where it was asked for, or where its volumes are. */
async function placeOf(
  deps: ApiDeps,
  body: CreateBody,
  insist: (rule: string) => void,
  volumeZones: readonly string[],
) {
  const wish = { zone: body.availability_zone, host: body.host, node: body.hypervisor_hostname }
  const place = await placeFor(deps, wish, insist)
  return { ...place, requestedZone: zoneWithVolumes(deps, place.requestedZone, volumeZones) }
}

/** What the words of POST /servers mean: every name resolved, every value checked, nothing written yet. */
export async function buildIntent(
  deps: ApiDeps,
  body: CreateBody,
  envelope: CreateEnvelope,
  context: IntentContext,
): Promise<BuildIntent> {
  const { caller, insist, may } = context
  const asked = askedDevices(body)
  const count = counts(body)
  const metadata = body.metadata ?? {}
  const files = injectedFiles(body.personality)
  await checkQuotas(deps, caller, { metadata, files })
  const flavor = await flavorFor(deps, caller, body.flavorRef)
  requireParts(body, asked.devices.length, insist)
  const hints = hintsOf(envelope['os:scheduler_hints'] ?? envelope['OS-SCH-HNT:scheduler_hints'])
  const name = body.name.trim()
  const boot = await bootDevicesFor(deps, {
    caller,
    flavor,
    imageRef: body.imageRef,
    asked,
    isMany: count.maxCount > 1,
    hasCertificates: (body.trusted_image_certificates ?? []).length > 0,
    takesMultiattach: context.takesMultiattach,
    mayGrowRoot: () => may('os_compute_api:servers:create:zero_disk_flavor'),
  })
  // Refuses hardware and a layout that no host could make.
  checkHardware({ flavor, image: boot.bootImage })
  await openImage(deps, caller, boot.bootImage)
  const layout = numaTopology({ flavor, imageProperties: boot.bootImage.properties })
  const pciRequests = pciWishes(deps, flavor, boot.bootImage.properties)
  const asking = { caller, isMany: count.maxCount > 1, mayAttachExternal: () => may('network:attach_external_network') }
  const networks = await networksFor(deps, body.networks, asking)
  const { cards, ports } = await portWishes(deps, networks, numaPolicyOf(flavor, boot.bootImage.properties))
  if (!context.takesPortResources && ports.some(port => port.groups.length > 0)) throw PortResourcesTooEarly({})
  const networkNearness = layout === undefined ? undefined : await nearnessOf(deps, networks)
  return {
    projectId: caller.projectId ?? '',
    userId: caller.userId,
    ...(await withinPortQuota(deps, caller, networks, count)),
    name,
    hostname: body.hostname ?? null,
    description: context.isDescribedByName ? name : (body.description ?? null),
    flavor,
    pciRequests: [...pciRequests, ...cards],
    ports,
    ...(networkNearness === undefined ? {} : { networkNearness }),
    ...boot,
    devices: withEncryption(boot.devices, encryptionFor(deps, flavor, boot.bootImage)),
    key: await keyFor(deps, caller, body.key_name),
    userData: body.user_data ?? null,
    hasConfigDrive: hasConfigDrive(deps, body.config_drive, boot.bootImage),
    secret: {
      adminPassword: context.adminPassword,
      files: files.map(({ path, contents }) => ({ path, base64: contents })),
    },
    accessIpV4: body.accessIPv4 ?? null,
    accessIpV6: body.accessIPv6 === undefined ? null : canonicalIpV6(body.accessIPv6),
    metadata,
    tags: [...new Set(body.tags ?? [])],
    trustedImageCertificates: body.trusted_image_certificates ?? null,
    diskConfig: body['OS-DCF:diskConfig'] ?? 'MANUAL',
    ...(await placeOf(deps, body, insist, boot.volumeZones)),
    hints,
    serverGroupId: await groupFor(deps, hints['group']?.[0]),
    networks,
    securityGroupIds: await securityGroupIdsFor(deps, caller, groupNames(body)),
  }
}

/** Groups without a name are passed over, as Nova does. */
export const groupNames = (body: CreateBody): readonly string[] =>
  body.security_groups?.flatMap(group => group.name ?? []) ?? []
