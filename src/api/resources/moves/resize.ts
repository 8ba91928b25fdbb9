import { always, anything, bare, diskConfig, either, fqdn, intLike, nil, obj, operation, since, text } from '#api/kit'
import { type Caller } from '#cloud'
import {
  checkHardware,
  type Flavor,
  growth,
  type Instance,
  type Migration,
  numaTopology,
  type RequestSpec,
  volumeImage,
} from '#model'
import { isServiceUp, type Store } from '#store'
import { mustStayAsEncrypted } from '../../accept/disk-encryption.ts'
import { moveSpec, mustFitQuota, newMigration } from '../../accept/move.ts'
import { pciWishes, withPci } from '../../accept/pci.ts'
import { mustHaveNoShares } from '../../accept/shares.ts'
import { acceptTask, mustAllow, type TaskRequest } from '../../accept/task.ts'
import { ofHost, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { type Counted, inUsageTurn } from '../../quota/index.ts'
import { mustFitRoot, mustHaveMemory } from '../servers/create-image.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import {
  AcceleratorsForbidden,
  CannotResizeDisk,
  DiskConfigFixed,
  FlavorUnusable,
  HostUnknown,
  NotResized,
  SameFlavor,
  SameHost,
  ServiceDown,
} from './faults.ts'

const op = operation<ApiDeps, { id: string }>()

const faults = {
  InstanceNotFound: 404,
  InstanceIsLocked: 409,
  InstanceInvalidState: 409,
  InstanceNotReady: 409,
  ServiceUnavailable: 409,
  ForbiddenWithShare: 409,
} as const

/** Up, or at least not known to be down: a disabled host still does what it is asked. */
async function mustBeUp(deps: ApiDeps, host: string | null): Promise<void> {
  // The source of a resize may be in the cell that the server has left.
  const at = host === null ? undefined : ((await ofHost(deps, host)) ?? deps)
  const service = host === null ? undefined : await at?.store.services.find(host, 'nova-compute')
  if (service === undefined || !isServiceUp(service, deps.clock.now(), deps.settings.serviceDownTimeMs))
    throw ServiceDown({})
}

const crossCellRule = 'compute:servers:resize:cross_cell'

/** For a caller whose servers may leave their cell: the one that this one would rather stay in. */
async function preferredCell(deps: ApiDeps, instance: Instance, mayLeave: boolean): Promise<Partial<RequestSpec>> {
  if (!mayLeave || (await severalCells(deps)) === undefined) return {}
  const preferredCellId = await deps.store.instanceMappings.cellOf(instance.id)
  return preferredCellId === undefined ? {} : { preferredCellId }
}

/** The flavor asked for, if the server may become one of it. */
async function newFlavor(deps: ApiDeps, caller: Caller, instance: Instance, ref: string | number): Promise<Flavor> {
  const id = String(ref)
  const flavor = await deps.store.flavors.find(id)
  const mayUse =
    flavor !== undefined &&
    (flavor.isPublic || isAdmin(caller) || (await deps.store.flavors.projects(flavor)).includes(caller.projectId ?? ''))
  if (flavor === undefined || !mayUse) throw FlavorUnusable({ id })
  if (flavor.extraSpecs['accel:device_profile'] !== undefined) throw AcceleratorsForbidden({})
  const isVolumeBacked = instance.image === null
  if (flavor.rootGiB === 0 && instance.flavor.rootGiB !== 0 && !isVolumeBacked)
    throw CannotResizeDisk({ reason: 'Resize to zero disk flavor is not allowed.' })
  const isSame = flavor.number === instance.flavor.number
  if (flavor.isDisabled && !isSame) throw FlavorUnusable({ id })
  if (isSame) throw SameFlavor({})
  // Refuses hardware and a layout that no host could make.
  const image = instance.image ?? volumeImage(instance.systemMetadata)
  checkHardware({ flavor, image })
  mustStayAsEncrypted(await deps.store.blockDevices.of(instance.id), flavor, image)
  numaTopology({ flavor, imageProperties: image.properties })
  return flavor
}

function mustAllowDiskConfig({ image }: Instance, asked: 'AUTO' | 'MANUAL' | undefined): void {
  const isFixed = image?.properties['auto_disk_config']?.trim().toLowerCase() === 'disabled'
  if (isFixed && asked === 'AUTO' && image !== null) throw DiskConfigFixed({ image: image.id })
}

interface Wish {
  readonly action: 'resize' | 'migrate'
  readonly flavor: Flavor
  readonly spec: RequestSpec
  /** Who partitions the disk from now on; a move that does not say leaves it to the user. */
  readonly diskConfig?: 'AUTO' | 'MANUAL'
}

/** Resize and cold migration are one operation: the second keeps the flavor. */
function moveTask(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  wish: Wish,
  counted: Counted | undefined,
): TaskRequest<'server-resize'> {
  const { action, flavor, spec, diskConfig: disk_config = 'MANUAL' } = wish
  const type = action === 'resize' ? 'resize' : 'migration'
  const move = newMigration(deps, caller, instance, { type, status: 'pre-migrating', flavor })
  return {
    action,
    word: action,
    saga: 'server-resize',
    input: { migrationId: move.uuid, spec },
    change: { progress: 0, systemMetadata: { ...instance.systemMetadata, disk_config } },
    alsoWrite: async tx => {
      await mustFitQuota(tx, deps, instance, move.pending, counted)
      await tx.moves.add(move)
    },
  }
}

const withoutOwnHost = (instance: Instance, isAllowed: boolean): readonly string[] =>
  isAllowed || instance.host === null ? [] : [instance.host]

const flavorRef = either(text({ min: 1 }), intLike({}))

export const resize = op({
  status: always(202),
  policy: 'os_compute_api:servers:resize',
  alsoPolicies: [crossCellRule],
  body: bare(obj({ flavorRef, 'OS-DCF:diskConfig': diskConfig.optional() })),
  faults: {
    ...faults,
    FlavorNotFound: 400,
    CannotResizeToSameFlavor: 400,
    CannotResizeDisk: 400,
    AutoDiskConfigDisabledByImage: 400,
    InvalidHardwareRequest: 400,
    InvalidNumaRequest: 400,
    PciInvalidAlias: 400,
    PciRequestAliasNotDefined: 400,
    ForbiddenWithAccelerators: 403,
    BadServerRequest: 400,
    OverQuota: 403,
  },
  async handle({ path, body, caller, allow, may, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const cell = await preferredCell(deps, instance, may(crossCellRule, targetOf(instance)))
    await mustHaveNoShares(deps.store, 'resize', instance.id)
    mustAllow(instance, 'resize', 'resize', isAdmin(caller))
    await mustBeUp(deps, instance.host)
    mustAllowDiskConfig(instance, body['OS-DCF:diskConfig'])
    const flavor = await newFlavor(deps, caller, instance, body.flavorRef)
    await deps.quotas.prepare(instance.projectId)
    const asked = body['OS-DCF:diskConfig']
    const disk = asked === undefined ? {} : { diskConfig: asked }
    await inUsageTurn(deps, instance, async counted => {
      await mustFitQuota(deps.store, deps, instance, growth(instance.flavor, flavor), counted)
      if (instance.image !== null) {
        mustHaveMemory(instance.image, flavor)
        mustFitRoot(instance.image, flavor)
      }
      await acceptTask(deps, caller, isAdmin(caller), requestId, instance, async server => {
        if (server.flavor.number === flavor.number) throw SameFlavor({})
        const ignoreHosts = withoutOwnHost(server, deps.settings.allowsResizeToSameHost)
        const { pciRequests: known = [], ...before } = await moveSpec(deps, server)
        // Those of ports are none of the flavor's.
        const ofPorts = known.filter(request => request.portId !== undefined)
        const devices = withPci([...pciWishes(deps, flavor, before.image?.properties ?? {}), ...ofPorts])
        const spec = { ...before, ...devices, ...cell, flavor, ignoreHosts }
        return moveTask(deps, caller, server, { action: 'resize', flavor, spec, ...disk }, counted)
      })
    })
  },
})

/** A hypervisor that can says so by a trait; for all others the move would be none. */
async function mayStay(deps: ApiDeps, instance: Instance): Promise<boolean> {
  if (instance.host === null) return false
  const node = await deps.store.computeNodes.find({ host: instance.host })
  return node !== undefined && (await deps.placement.traits(node.uuid)).includes('COMPUTE_SAME_HOST_COLD_MIGRATE')
}

async function destinationOf(
  deps: ApiDeps,
  instance: Instance,
  host: string,
  mayLeave: boolean,
): Promise<RequestSpec['destination']> {
  if (host === instance.host) throw SameHost({})
  const at = mayLeave ? ((await ofHost(deps, host)) ?? deps) : deps
  const node = await at.store.computeNodes.find({ host })
  if (node === undefined) throw HostUnknown({ host })
  return { host, node: node.description.hypervisorHostname, isForced: false }
}

const migrateRule = 'os_compute_api:os-migrate-server:migrate'
const hostBody = either(obj({ host: fqdn.nullable().optional() }), nil)

export const migrate = op({
  status: always(202),
  policy: `${migrateRule}:host`,
  alsoPolicies: [migrateRule, crossCellRule],
  body: bare(anything.from('2.56', hostBody)),
  faults: { ...faults, CannotMigrateToSameHost: 400, ComputeHostNotFound: 400, OverQuota: 403 },
  behaviours: { takesHost: since('2.56') },
  async handle({ path, body, caller, allow, may, requestId, behaves }, deps) {
    const instance = await findServer(deps, caller, path.id)
    const host = behaves.takesHost ? ((body as { host?: string | null } | null)?.host ?? null) : null
    allow(targetOf(instance), host === null ? migrateRule : undefined)
    const cell = await preferredCell(deps, instance, may(crossCellRule, targetOf(instance)))
    const mayLeave = cell.preferredCellId !== undefined
    await mustHaveNoShares(deps.store, 'migrate', instance.id)
    mustAllow(instance, 'migrate', 'migrate', isAdmin(caller))
    await mustBeUp(deps, instance.host)
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, async server => {
      const destination = host === null ? null : await destinationOf(deps, server, host, mayLeave)
      const ignoreHosts = withoutOwnHost(server, await mayStay(deps, server))
      const spec = { ...(await moveSpec(deps, server)), ...cell, destination, ignoreHosts }
      return moveTask(deps, caller, server, { action: 'migrate', flavor: server.flavor, spec }, undefined)
    })
  },
})

/** The resize that waits for the user's word. */
async function finishedMove(store: Store, instance: Instance): Promise<Migration> {
  const move = await store.moves.newest(instance.id, ['finished'])
  if (move === undefined) throw NotResized({})
  return move
}

export const confirmResize = op({
  status: always(204),
  policy: 'os_compute_api:servers:confirm_resize',
  body: bare(anything),
  faults: { ...faults, NotResized: 400 },
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'confirmResize', 'confirmResize', isAdmin(caller))
    const move = await finishedMove(deps.store, instance)
    await mustBeUp(deps, move.sourceHost)
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
      action: 'confirmResize',
      word: 'confirmResize',
      saga: 'server-confirm-resize',
      input: { migrationId: move.uuid },
      alsoWrite: async tx => {
        if (!(await tx.moves.change(move.uuid, { status: 'confirming' }, deps.clock.now(), 'finished')))
          throw NotResized({})
      },
    })
  },
})

export const revertResize = op({
  status: always(202),
  policy: 'os_compute_api:servers:revert_resize',
  body: bare(anything),
  faults: { ...faults, NotResized: 400, OverQuota: 403 },
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'revertResize', 'revertResize', isAdmin(caller))
    const move = await finishedMove(deps.store, instance)
    const pending = growth(instance.flavor, move.oldFlavor ?? instance.flavor)
    await deps.quotas.prepare(instance.projectId)
    await inUsageTurn(deps, instance, counted =>
      acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
        action: 'revertResize',
        word: 'revertResize',
        saga: 'server-revert-resize',
        input: { migrationId: move.uuid },
        alsoWrite: async tx => {
          await mustFitQuota(tx, deps, instance, pending, counted)
          const change = { status: 'reverting', pending }
          if (!(await tx.moves.change(move.uuid, change, deps.clock.now(), 'finished'))) throw NotResized({})
        },
      }),
    )
  },
})
