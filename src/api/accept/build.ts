import { instanceId, newUuid } from '#base'
import type { RequestedNetwork, SagaInputs } from '#bus'
import type { Caller } from '#cloud'
import {
  type DeviceDefinition,
  type Flavor,
  type InstanceImage,
  type InstanceKey,
  isVolume,
  isVolumeBacked,
  keptOfVolume,
  type LaunchSecret,
  type NetworkNearness,
  nameDevices,
  type PciRequest,
  type RequestSpec,
  rootDevice,
  rootDeviceName,
} from '#model'
import { emptyJournal } from '#saga'
import type { NewInstance, Store } from '#store'
import { severalCells } from '../cells.ts'
import type { ApiDeps } from '../deps.ts'
import { type Counted, demandOf, excess, inUsageTurn, QuotaExceeded } from '../quota/index.ts'
import { withPci } from './pci.ts'
import { joinGroup } from './server-group.ts'
import { holdMs, holdVolumes, mustBeUnused } from './volumes.ts'
import { wake } from './wake.ts'

/** What POST /servers means once all names are resolved and all values checked. */
export interface BuildIntent {
  readonly projectId: string
  readonly userId: string
  readonly minCount: number
  readonly maxCount: number
  readonly name: string
  /** Null: made from the name. Never given with more than one server. */
  readonly hostname: string | null
  readonly description: string | null
  readonly flavor: Flavor
  readonly pciRequests?: readonly PciRequest[]
  readonly networkNearness?: NetworkNearness
  /** The user's ports, as they want to be placed. */
  readonly ports?: RequestSpec['ports']
  /** The image of the request; null for a server that boots from a volume. */
  readonly image: InstanceImage | null
  /** What it boots from: the image, or what the root volume has kept of one. */
  readonly bootImage: InstanceImage
  /** Every disk, checked. */
  readonly devices: readonly DeviceDefinition[]
  /** The user's volumes that only one server may have. */
  readonly exclusiveVolumeIds: readonly string[]
  readonly key: InstanceKey | null
  readonly userData: string | null
  readonly hasConfigDrive: boolean
  /** For the config drive; without one it goes no further. */
  readonly secret: LaunchSecret
  readonly accessIpV4: string | null
  readonly accessIpV6: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly trustedImageCertificates: readonly string[] | null
  /** AUTO or MANUAL: who partitions the disk. */
  readonly diskConfig: string
  readonly requestedZone: string | null
  readonly destination: RequestSpec['destination']
  readonly hints: RequestSpec['hints']
  readonly serverGroupId: string | null
  readonly networks: readonly RequestedNetwork[]
  readonly securityGroupIds: readonly string[]
}

export interface AcceptedBuild {
  readonly reservationId: string
  readonly instanceIds: readonly string[]
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** `r-` and eight letters or digits, as Nova's reservation ids look. */
const newReservationId = (): string =>
  `r-${Array.from({ length: 8 }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('')}`

/**
 * A name as a host name: what DNS cannot hold is dropped or becomes a dash; nothing left gives `Server-<id>`. The suffix
 * tells several servers of one request apart.
 */
export function hostnameFrom(name: string, id: string, suffix = ''): string {
  const words = name
    .normalize('NFKD')
    .replaceAll(/[ _]/g, '-')
    .replaceAll(/[^\w.-]+/g, '')
    .replaceAll('.', '-')
    .toLowerCase()
    .replaceAll(/^[.-]+|[.-]+$/g, '')
  if (words === '') return `Server-${id}`
  return words.slice(0, 63 - suffix.length).replaceAll(/-+$/g, '') + suffix
}

function newInstance(
  deps: ApiDeps,
  caller: Caller,
  intent: BuildIntent,
  at: { id: string; index: number; suffix: string; reservationId: string; sagaId: string },
): NewInstance {
  return {
    id: instanceId(at.id),
    projectId: intent.projectId,
    userId: intent.userId,
    displayName: intent.name + at.suffix,
    hostname: intent.hostname ?? hostnameFrom(intent.name, at.id, at.suffix),
    description: intent.description,
    reservationId: at.reservationId,
    launchIndex: at.index,
    vmState: 'building',
    taskState: 'scheduling',
    powerState: 0,
    host: null,
    node: null,
    launchedOn: null,
    requestedZone: intent.requestedZone,
    flavor: intent.flavor,
    image: intent.image,
    key: intent.key,
    userData: intent.userData,
    hasConfigDrive: intent.hasConfigDrive,
    accessIpV4: intent.accessIpV4,
    accessIpV6: intent.accessIpV6,
    rootDeviceName: rootDeviceName(rootDevice(intent.devices), intent.bootImage.properties),
    progress: 0,
    lockedBy: null,
    lockedReason: null,
    metadata: intent.metadata,
    systemMetadata: {
      owner_user_name: caller.userName,
      owner_project_name: caller.projectName ?? '',
      boot_roles: caller.roles.join(','),
      disk_config: intent.diskConfig,
      ...(intent.image === null ? keptOfVolume(intent.bootImage) : {}),
    },
    securityGroups: [],
    trustedImageCertificates: intent.trustedImageCertificates,
    networkInfo: [],
    createdAtMs: deps.clock.now(),
    updatedAtMs: null,
    launchedAtMs: null,
    terminatedAtMs: null,
    deletedAtMs: null,
    sagaId: at.sagaId,
  }
}

const requestSpec = (intent: BuildIntent, serverGroup: RequestSpec['serverGroup']): RequestSpec => ({
  projectId: intent.projectId,
  userId: intent.userId,
  flavor: intent.flavor,
  image: intent.bootImage,
  isVolumeBacked: isVolumeBacked(intent.devices),
  requestedZone: intent.requestedZone,
  destination: intent.destination,
  ignoreHosts: [],
  hints: intent.hints,
  networkIds: intent.networks.map(n => n.networkId),
  serverGroup,
  ...withPci(intent.pciRequests ?? []),
  ...((intent.ports ?? []).length === 0 ? {} : { ports: intent.ports ?? [] }),
  ...(hasEncryptedDisks(intent) ? { hasEncryptedDisks: true } : {}),
  ...(intent.networkNearness === undefined ? {} : { networkNearness: intent.networkNearness }),
})

/** Servers of one request, also where no quota is set: they are written in one transaction, which holds up all others. */
const mostServers = 1000
const tooMany = (requested: number) => ({ resource: 'instances', requested, used: 0, limit: mostServers })

/** The largest count between minimum and maximum that the quota allows; throws when not even the minimum fits. */
async function allowedCount(
  tx: Store,
  deps: ApiDeps,
  intent: BuildIntent,
  counted: Counted | undefined,
): Promise<number> {
  const { flavor } = intent
  const over = (count: number) =>
    excess(tx, deps, intent, demandOf(flavor, isVolumeBacked(intent.devices), count), counted)
  const { minCount } = intent
  if (minCount > mostServers) {
    const resources = await over(minCount)
    throw QuotaExceeded({ resources: resources.length > 0 ? resources : [tooMany(minCount)] })
  }
  const most = Math.min(intent.maxCount, mostServers)
  const atMost = await over(most)
  if (atMost.length === 0) return most
  const atLeast = intent.minCount === most ? atMost : await over(intent.minCount)
  if (atLeast.length > 0) throw QuotaExceeded({ resources: atLeast })
  let [fits, isTooMany] = [intent.minCount, most]
  while (isTooMany - fits > 1) {
    const middle = Math.floor((fits + isTooMany) / 2)
    if ((await over(middle)).length === 0) fits = middle
    else isTooMany = middle
  }
  return fits
}

const hasEncryptedDisks = (intent: BuildIntent): boolean =>
  intent.devices.some(device => device.encryption !== undefined)

/** Never with more than one server. */
const hasUsersVolumes = (intent: BuildIntent): boolean => intent.devices.some(device => device.source === 'volume')

/** All rows of one server, its saga among them. */
async function writeServer(
  tx: Store,
  deps: ApiDeps,
  caller: Caller,
  requestId: string,
  intent: BuildIntent,
  spec: RequestSpec,
  instance: NewInstance,
  reservation: string | null,
): Promise<void> {
  const { id, sagaId } = instance
  const nowMs = deps.clock.now()
  await tx.instances.create([instance])
  for (const tag of intent.tags) await tx.tags.add(id, tag)
  await tx.blockDevices.add(id, nameDevices(intent.devices, instance.rootDeviceName ?? '/dev/vda'), nowMs)
  await tx.requestSpecs.save(id, spec)
  // Made in the name of whoever asks.
  const makesVolumes = intent.devices.some(device => isVolume(device) && device.source !== 'volume')
  const needsCreator = makesVolumes || hasEncryptedDisks(intent)
  if (intent.hasConfigDrive || needsCreator)
    await tx.launchSecrets.keep(id, { ...intent.secret, ...(needsCreator ? { creator: caller } : {}) })
  const { userId, projectId } = caller
  await tx.actions.start({ instanceId: id, action: 'create', requestId, userId, projectId, startAtMs: nowMs })
  const { networks, securityGroupIds } = intent
  const input: SagaInputs['server-build'] = { instanceId: id, requestId, spec, networks, securityGroupIds, reservation }
  const holds = hasUsersVolumes(intent) ? { heldUntilMs: nowMs + holdMs } : {}
  const saga = { id: sagaId ?? '', name: 'server-build', instanceId: id, input, waitsFor: reservation, ...holds }
  await tx.sagas.add(saga, emptyJournal(), nowMs)
}

/** Several servers are placed together, all or none, by a saga that their builds wait for. */
async function addReservation(tx: Store, nowMs: number, input: SagaInputs['reservation-place']): Promise<string> {
  const id = newUuid()
  await tx.sagas.add({ id, name: 'reservation-place', instanceId: null, input }, emptyJournal(), nowMs)
  return id
}

/**
 * Accepts a build: quota check, instance, tags, request spec, secret, action and saga of each server, in one transaction.
 * From here on the saga answers for it.
 */
export async function acceptBuild(
  deps: ApiDeps,
  caller: Caller,
  requestId: string,
  intent: BuildIntent,
): Promise<AcceptedBuild> {
  const reservationId = newReservationId()
  await deps.quotas.prepare(intent.projectId)
  const inCells = (await severalCells(deps)) !== undefined
  const write = async (tx: Store, counted: Counted | undefined) => {
    const count = await allowedCount(tx, deps, intent, counted)
    await mustBeUnused(tx, intent.exclusiveVolumeIds)
    const servers = Array.from({ length: count }, (_, index) => ({ index, id: newUuid(), sagaId: newUuid() }))
    const ids = servers.map(server => server.id)
    const { serverGroupId } = intent
    const group = serverGroupId === null ? null : await joinGroup(tx, deps, intent, serverGroupId, ids, inCells)
    const spec = requestSpec(intent, group)
    const input = { instanceIds: ids, requestId, spec }
    const reservation = count > 1 ? await addReservation(tx, deps.clock.now(), input) : null
    for (const server of servers) {
      const suffix = count > 1 ? `-${server.index + 1}` : ''
      const instance = newInstance(deps, caller, intent, { ...server, suffix, reservationId })
      await writeServer(tx, deps, caller, requestId, intent, spec, instance, reservation)
    }
    return { ids, begins: reservation ?? servers[0]?.sagaId ?? '' }
  }
  const accepted = await inUsageTurn(deps, intent, counted => deps.store.transaction(tx => write(tx, counted)))
  if (hasUsersVolumes(intent)) {
    for (const id of accepted.ids) await holdVolumes(deps, caller, id)
    await deps.store.sagas.release(accepted.begins)
  }
  await wake(deps, accepted.begins)
  return { reservationId, instanceIds: accepted.ids }
}
