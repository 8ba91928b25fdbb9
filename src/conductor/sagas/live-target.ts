import { declareFault } from '#base'
import type { SagaInputs } from '#bus'
import {
  ComputeHostNotFound,
  ComputeResourcesUnavailable,
  HostUnavailable,
  type Instance,
  MaxRetriesExceeded,
  MigrationPreCheckError,
  type Selection,
} from '#model'
import type { StepContext } from '#saga'
import { HypervisorError } from '#virt'
import { claimLike, letGo, takeSeat } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { asEvent, scheduleMove } from '../moves.ts'

type Live = SagaInputs['server-live-migrate']
type Target = Pick<Selection, 'host' | 'node' | 'nodeId'>
type Placed = Instance & { readonly host: string }

export const UnableToMigrateToSelf = declareFault(
  'UnableToMigrateToSelf',
  'refused',
  (p: { id: string; host: string }) => `Unable to migrate instance (${p.id}) to current host (${p.host}).`,
)
export const InvalidHypervisorType = declareFault(
  'InvalidHypervisorType',
  'refused',
  () => 'The supplied hypervisor type of is invalid.',
)
export const DestinationHypervisorTooOld = declareFault(
  'DestinationHypervisorTooOld',
  'refused',
  () => 'The instance requires a newer hypervisor version than has been provided.',
)

/** Faults of one target; the next one may do. */
const ofTarget = [
  InvalidHypervisorType,
  DestinationHypervisorTooOld,
  MigrationPreCheckError,
  ComputeResourcesUnavailable,
]

const destinationEvent = 'compute_check_can_live_migrate_destination'
const sourceEvent = 'compute_check_can_live_migrate_source'
export const checkEvents = [destinationEvent, sourceEvent]

async function nodeOf(d: ConductorDeps, host: string) {
  const node = await d.store.computeNodes.find({ host })
  if (node === undefined) throw ComputeHostNotFound({ host })
  return node
}

const raise = (error: unknown): never => {
  throw error
}

/** Both hypervisors are asked whether the guest can run there; throws why not. */
async function check(d: ConductorDeps, input: Live, instance: Placed, target: string): Promise<void> {
  const [from, to] = [(await nodeOf(d, instance.host)).description, (await nodeOf(d, target)).description]
  if (from.hypervisorType !== to.hypervisorType) throw InvalidHypervisorType({})
  const isOlder = to.hypervisorVersion < from.hypervisorVersion
  if (isOlder && d.options.allowsOlderHypervisor !== true) throw DestinationHypervisorTooOld({})
  await asEvent(d, input, destinationEvent, target, async () => {
    const { live } = await hostClient(d, target).moveAbilities({})
    if (!live) throw MigrationPreCheckError({ reason: `host ${target} cannot take running guests` })
    const needs = await asEvent(d, input, sourceEvent, instance.host, () =>
      hostClient(d, instance.host).describeMigration({ id: instance.id }),
    )
    const { reason } = await hostClient(d, target)
      .refuseMigration({ needs, withDisks: input.withDisks })
      // A hypervisor that cannot even say is as good as one that says no.
      .catch(error => ({ reason: HypervisorError.is(error) ? error.message : raise(error) }))
    if (reason !== null) throw MigrationPreCheckError({ reason })
  })
}

/** The operator insists on this host: no filter is asked, but what cannot be is refused. */
async function forced(d: ConductorDeps, input: Live, instance: Placed, host: string): Promise<Target> {
  if (host === instance.host) throw UnableToMigrateToSelf({ id: instance.id, host })
  if (!(await isHostUp(d, host))) throw HostUnavailable({ host })
  const [source, target] = [await nodeOf(d, instance.host), await nodeOf(d, host)]
  const { memoryMiB, memoryUsedMiB } = target.description
  const available = memoryMiB * target.ramAllocationRatio - memoryUsedMiB
  if (available <= instance.flavor.memoryMiB) {
    const lack = `Lack of memory(host:${available} <= instance:${instance.flavor.memoryMiB})`
    throw MigrationPreCheckError({ reason: `Unable to migrate ${instance.id} to ${host}: ${lack}` })
  }
  await check(d, input, instance, host)
  await claimLike(d, instance, input.migrationId, source.uuid, { host, nodeId: target.uuid })
  await takeSeat(d, instance.id, input.spec, { nodeId: target.uuid })
  return { host, node: target.description.hypervisorHostname, nodeId: target.uuid }
}

/** A running guest keeps a PCI device only where its kind can be moved. */
function mustBeMovable({ instanceId, spec }: Live): void {
  if ((spec.pciRequests ?? []).every(request => request.canMove === true)) return
  throw MigrationPreCheckError({
    reason: `non-VIF related PCI requests for instance ${instanceId} are not allowed for live migration.`,
  })
}

/** A host that can run the guest, claimed: one after the other until one passes or `migrate_max_retries` are used up. */
export async function liveTarget(d: ConductorDeps, input: Live, instance: Placed, c: StepContext): Promise<Target> {
  if (!(await isHostUp(d, instance.host))) throw HostUnavailable({ host: instance.host })
  await letGo(d, instance.id)
  mustBeMovable(input)
  if (input.forcedHost !== null) return forced(d, input, instance, input.forcedHost)
  const tried = [instance.host]
  for (;;) {
    const retries = tried.length - 1
    if (d.options.migrateMaxRetries >= 0 && retries > d.options.migrateMaxRetries) {
      const reason = `Exceeded max scheduling retries ${retries} for instance ${instance.id} during live migration`
      throw MaxRetriesExceeded({ id: instance.id, reason })
    }
    const [selection] = await scheduleMove(d, input, { ...input.spec, ignoreHosts: tried }, c)
    if (selection === undefined) throw MigrationPreCheckError({ reason: 'the scheduler chose no host' })
    try {
      await check(d, input, instance, selection.host)
      await takeSeat(d, instance.id, input.spec, selection)
      return selection
    } catch (error) {
      if (!ofTarget.some(fault => fault.is(error))) throw error
      d.log.info({ instance_id: instance.id, host: selection.host, err: error }, 'host cannot take the guest')
      await letGo(d, instance.id)
      tried.push(selection.host)
    }
  }
}
