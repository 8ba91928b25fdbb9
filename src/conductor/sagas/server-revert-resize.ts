import { instanceId } from '#base'
import type { SagaInputs } from '#bus'
import { HostUnavailable, type Migration } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { power } from '#virt'
import { takeBackAllocation } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { asEvent, askUnlessDown, failEvents, movedSpec, nothingPending, placedInstance } from '../moves.ts'
import { moveBindings } from '../moving-ports.ts'
import { moveVolumes } from '../moving-volumes.ts'
import { say } from '../notices.ts'
import { recordFault } from '../records.ts'

const discardEvent = 'compute_revert_resize'
const restoreEvent = 'compute_finish_revert_resize'

interface Home {
  readonly host: string
  readonly node: string | null
  readonly flavor: NonNullable<Migration['oldFlavor']>
  readonly target: string
  /** The server was off before the resize, and will be again. */
  readonly wasStopped: boolean
}

async function homeOf(d: ConductorDeps, input: SagaInputs['server-revert-resize']): Promise<Home> {
  const move = await d.store.moves.find(input.migrationId)
  const instance = await placedInstance(d, input.instanceId)
  if (move === undefined || move.oldFlavor === null) throw new Error(`migration ${input.migrationId} has no old flavor`)
  // Once the target's guest is gone there is only this host.
  if (!(await isHostUp(d, move.sourceHost))) throw HostUnavailable({ host: move.sourceHost })
  return {
    host: move.sourceHost,
    node: move.sourceNode,
    flavor: move.oldFlavor,
    target: move.destHost ?? instance.host,
    wasStopped: instance.systemMetadata['old_vm_state'] === 'stopped',
  }
}

const atHome = ({ home }: { readonly home?: Home }) => ({ host: home?.host ?? null })

/**
 * The user does not want the new size: the target's guest goes, and the source makes what it has set aside the guest
 * again. With the target's guest gone there is only forward.
 */
export const serverRevertResize = saga<ConductorDeps, SagaInputs['server-revert-resize'], Store>('server-revert-resize')
  .step('home', (s, d) => homeOf(d, s.input))
  // A target's guest that is gone does not come back.
  .pivot('decided', () => undefined)
  .step('target', (s, d, c) => {
    const { target } = s.home
    const id = s.input.instanceId
    return asEvent(d, s.input, discardEvent, target, () =>
      askUnlessDown(d, target, id, () => hostClient(d, target).discardMove({ id }, { key: c.key })),
    )
  })
  .step('ports', async (s, d) =>
    moveBindings(d, await d.store.instances.get(s.input.instanceId), s.home.target, s.home.host, s.input.migrationId),
  )
  .step('volumes', async (s, d) => moveVolumes(d, await d.store.instances.get(s.input.instanceId), s.home.host))
  .step('guest', async (s, d, c) => {
    const instance = await d.store.instances.get(s.input.instanceId)
    const atSourceOf = s.input.migrationId
    const spec = await movedSpec(d, instance, { flavor: s.home.flavor, vifs: s.ports, atSourceOf })
    const { host, wasStopped } = s.home
    const restored = await asEvent(d, s.input, restoreEvent, host, () =>
      askUnlessDown(d, host, instance.id, () =>
        hostClient(d, host).revertMove({ spec, isOn: !wasStopped }, { key: c.key }),
      ),
    )
    // A host that has died meanwhile makes it so when it is back.
    return restored ?? { exists: true, power: wasStopped ? power.shutdown : power.running }
  })
  .step('allocation', async (s, d) =>
    takeBackAllocation(d, await d.store.instances.get(s.input.instanceId), s.input.migrationId),
  )
  .settled(async (s, outcome, tx, { nowMs }) => {
    const { instanceId: id, migrationId } = s.input
    if (outcome.status === 'undone') {
      await tx.moves.change(migrationId, { status: 'finished', pending: nothingPending }, nowMs, 'reverting')
      await failEvents(tx, nowMs, s.input, [discardEvent, restoreEvent], outcome.failure)
      await recordFault(tx, nowMs, s.input, outcome.failure, null)
      return
    }
    const { home, ports, guest } = s
    if (home === undefined || ports === undefined || guest === undefined) return
    await tx.moves.change(migrationId, { status: 'reverted', pending: nothingPending }, nowMs)
    const instance = await tx.instances.get(id)
    const { old_vm_state: _, ...systemMetadata } = instance.systemMetadata
    await tx.instances.change(
      instanceId(id),
      {
        vmState: home.wasStopped ? 'stopped' : 'active',
        powerState: guest.power,
        host: home.host,
        node: home.node,
        flavor: home.flavor,
        networkInfo: ports,
        systemMetadata,
      },
      nowMs,
    )
  })
  .telling({
    'before target': say('instance.exists', s => ({ host: s.home?.target ?? null })),
    'before ports': say('instance.resize_revert.start', atHome),
    done: say('instance.resize_revert.end', atHome),
  })
