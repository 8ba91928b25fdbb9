import type { SagaInputs } from '#bus'
import type { Selection, Vif } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { HypervisorError } from '#virt'
import { letGo, takeSeat } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { gracefulMs } from '../graceful.ts'
import { hostClient } from '../hosts.ts'
import { atHost, changeCell, isElsewhere, stayHere } from '../leaving-cell.ts'
import {
  asEvent,
  askUnlessDown,
  type Before,
  changeOwned,
  isOnAsRecorded,
  movedSpec,
  noteTarget,
  nothingPending,
  placedInstance,
} from '../moves.ts'
import { moveBindings } from '../moving-ports.ts'
import { moveVolumes } from '../moving-volumes.ts'
import { say } from '../notices.ts'
import { finishEvent } from '../records.ts'

type Resize = SagaInputs['server-resize']

export interface ResizeOnHost extends Resize {
  readonly before: Before
  readonly selection: Selection
  /** The scheduler has claimed the first selection; alternates are claimed here. */
  readonly isClaimed: boolean
}

export const finishEventName = 'compute_finish_resize'

/** The row of the server as it was before the move; the growth is pending again. */
async function writeBack(d: ConductorDeps, input: ResizeOnHost): Promise<void> {
  const { before, instanceId: id, migrationId, selection } = input
  const instance = await d.store.instances.find(id)
  const move = await d.store.moves.find(migrationId)
  if (instance?.vmState !== 'resized' || move?.oldFlavor === null || move === undefined) return
  const { old_vm_state: _, ...systemMetadata } = instance.systemMetadata
  const { vmState, powerState, host, node } = before
  const change = { vmState, powerState, host, node, flavor: move.oldFlavor, systemMetadata } as const
  await d.store.instances.change(instance.id, change, d.clock.now(), { vmState: 'resized' })
  const pending = {
    vcpus: Math.max(0, input.spec.flavor.vcpus - move.oldFlavor.vcpus),
    memoryMiB: Math.max(0, input.spec.flavor.memoryMiB - move.oldFlavor.memoryMiB),
  }
  await d.store.moves.change(
    migrationId,
    { status: 'post-migrating', pending, destHost: selection.host },
    d.clock.now(),
  )
}

/** The server is resized in the cell of its new host, and waits there for the user's word. */
async function finishElsewhere(d: ConductorDeps, input: ResizeOnHost, networkInfo: readonly Vif[], powerState: number) {
  const { instanceId: id, migrationId, selection, spec, before } = input
  const status = { status: 'finished', pending: nothingPending } as const
  await d.store.moves.change(migrationId, status, d.clock.now())
  await finishEvent(d.store, d.clock.now(), input, finishEventName)
  const [instance, move] = [await d.store.instances.find(id), await d.store.moves.find(migrationId)]
  if (move === undefined) throw new Error(`migration ${migrationId} has no record`)
  await changeCell(d, id, move, {
    vmState: 'resized',
    host: selection.host,
    node: selection.node,
    flavor: spec.flavor,
    powerState,
    networkInfo,
    systemMetadata: { ...instance?.systemMetadata, old_vm_state: before.vmState },
  })
}

type Told = { readonly input: ResizeOnHost }
const atTarget = ({ input }: Told) => ({ host: input.selection.host })
const atSource = ({ input }: Told) => ({ host: input.before.host })
const prepared = (s: Told) => ({ ...atTarget(s), newFlavor: s.input.spec.flavor })

/**
 * Move a guest that is off (or is shut down for it) onto one host, in the size of the new flavor.
 *
 * The source keeps the guest set aside until the move is confirmed, so everything here can be taken back: what was made
 * at the target goes, the ports go home, and the source starts the guest again if it was on.
 */
export const resizeOnHost = saga<ConductorDeps, ResizeOnHost, Store>('resize-on-host')
  .step(
    'claim',
    async (s, d) => {
      const { spec, selection, instanceId: consumerId } = s.input
      const at = await atHost(d, selection.host)
      if (s.input.isClaimed) return takeSeat(at, consumerId, spec, selection)
      const { projectId, userId } = spec
      const { allocations } = selection
      await d.placement.claim({ consumerId, allocations, projectId, userId, consumerType: 'INSTANCE' })
      await takeSeat(at, consumerId, spec, selection)
    },
    (s, d) => letGo(d, s.input.instanceId),
  )
  .step('target', async (s, d, c) => {
    const { selection, migrationId } = s.input
    await changeOwned(d, s.input, c, { taskState: 'resize_prep' })
    const at = await atHost(d, selection.host)
    await noteTarget(d, migrationId, selection, 'pre-migrating', at)
    await asEvent(d, s.input, 'compute_prep_resize', selection.host, async () => {
      const { cold } = await hostClient(at, selection.host).moveAbilities({})
      if (!cold) throw HypervisorError({ operation: 'resize', reason: 'this hypervisor cannot move guests' })
    })
  })
  .step(
    'offer',
    async (s, d, c) => {
      const { before, migrationId } = s.input
      await changeOwned(d, s.input, c, { taskState: 'resize_migrating' })
      await d.store.moves.change(migrationId, { status: 'migrating' }, d.clock.now())
      const instance = await placedInstance(d, s.input.instanceId)
      const spec = await movedSpec(d, instance, { flavor: s.input.spec.flavor })
      return asEvent(d, s.input, 'compute_resize_instance', before.host, () =>
        hostClient(d, before.host).offerMove({ spec, gracefulMs: gracefulMs(d, instance) }, { key: c.key }),
      )
    },
    async (s, d, c) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined) return
      const { before, migrationId: atSourceOf } = s.input
      const spec = await movedSpec(d, instance, { atSourceOf })
      const isOn = isOnAsRecorded(before)
      await askUnlessDown(d, before.host, instance.id, () =>
        hostClient(d, before.host).revertMove({ spec, isOn }, { key: c.key }),
      )
    },
  )
  .step(
    'ports',
    async (s, d, c) => {
      const instance = await placedInstance(d, s.input.instanceId)
      await changeOwned(d, s.input, c, { taskState: 'resize_migrated' })
      await d.store.moves.change(s.input.migrationId, { status: 'post-migrating' }, d.clock.now())
      const { before, selection } = s.input
      return moveBindings(await atHost(d, selection.host), instance, before.host, selection.host)
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance === undefined) return
      const networkInfo = await moveBindings(
        d,
        instance,
        s.input.selection.host,
        s.input.before.host,
        s.input.migrationId,
      )
      await d.store.instances.change(instance.id, { networkInfo }, d.clock.now())
    },
  )
  .step(
    'volumes',
    async (s, d) => {
      const { instanceId: id, selection } = s.input
      await moveVolumes(d, await placedInstance(d, id), selection.host, await atHost(d, selection.host))
    },
    async (s, d) => {
      const instance = await d.store.instances.find(s.input.instanceId)
      if (instance !== undefined) await moveVolumes(d, instance, s.input.before.host)
    },
  )
  .step(
    'guest',
    async (s, d, c) => {
      const { selection, before } = s.input
      await changeOwned(d, s.input, c, { taskState: 'resize_finish' })
      const { flavor } = s.input.spec
      const at = await atHost(d, selection.host)
      const spec = await movedSpec(d, await placedInstance(d, s.input.instanceId), { flavor, vifs: s.ports, at })
      return asEvent(d, s.input, finishEventName, selection.host, () =>
        hostClient(at, selection.host).receiveMove(
          { offer: s.offer, spec, isOn: isOnAsRecorded(before) },
          { key: c.key },
        ),
      )
    },
    async (s, d, c) => {
      const { instanceId: id, selection } = s.input
      const { host } = selection
      const at = await atHost(d, host)
      await askUnlessDown(at, host, id, () => hostClient(at, host).discardMove({ id }, { key: c.key }))
    },
  )
  .pivot(
    'finished',
    async (s, d, c) => {
      const { before, selection, migrationId, spec, instanceId: id } = s.input
      if (await isElsewhere(d, selection.host)) return finishElsewhere(d, s.input, s.ports, s.guest.power)
      const { systemMetadata } = await d.store.instances.get(id)
      await changeOwned(d, s.input, c, {
        vmState: 'resized',
        host: selection.host,
        node: selection.node,
        flavor: spec.flavor,
        powerState: s.guest.power,
        networkInfo: s.ports,
        systemMetadata: { ...systemMetadata, old_vm_state: before.vmState },
      })
      await d.store.moves.change(migrationId, { status: 'finished', pending: nothingPending }, d.clock.now())
      await finishEvent(d.store, d.clock.now(), s.input, finishEventName)
    },
    async (s, d) => {
      await stayHere(d, s.input.instanceId, s.input.selection)
      await writeBack(d, s.input)
    },
  )
  .telling({
    'before target': [say('instance.exists', atTarget), say('instance.resize_prep.start', prepared)],
    'after target': say('instance.resize_prep.end', prepared),
    'before offer': say('instance.resize.start', atSource),
    'after volumes': say('instance.resize.end', atSource),
    'before guest': say('instance.resize_finish.start', atTarget),
    failed: say('instance.resize.error', atSource, 'before target'),
  })
