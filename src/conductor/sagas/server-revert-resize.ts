import { instanceId } from '#base'
import type { SagaInputs } from '#bus'
import { HostUnavailable, type Migration, type Vif } from '#model'
import { saga } from '#saga'
import { releaseHost, type Store } from '#store'
import { power } from '#virt'
import { takeBackAllocation } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { atHost, changeCell, isElsewhere } from '../leaving-cell.ts'
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
  if (!(await isHostUp(await atHost(d, move.sourceHost), move.sourceHost)))
    throw HostUnavailable({ host: move.sourceHost })
  return {
    host: move.sourceHost,
    node: move.sourceNode,
    flavor: move.oldFlavor,
    target: move.destHost ?? instance.host,
    wasStopped: instance.systemMetadata['old_vm_state'] === 'stopped',
  }
}

const stateAtHome = ({ wasStopped }: Home) => (wasStopped ? 'stopped' : 'active')

/** A server that came from another cell lives there again. False where it never left. */
async function returnToCell(
  d: ConductorDeps,
  { instanceId: id, migrationId }: SagaInputs['server-revert-resize'],
  home: Home,
  networkInfo: readonly Vif[],
  powerState: number,
): Promise<boolean> {
  if (!(await isElsewhere(d, home.host))) return false
  const [instance, move] = [await d.store.instances.find(id), await d.store.moves.find(migrationId)]
  if (move === undefined) throw new Error(`migration ${migrationId} has no record`)
  const { old_vm_state: _, ...systemMetadata } = instance?.systemMetadata ?? {}
  const { host, node, flavor } = home
  const reverted = { ...move, status: 'reverted', pending: nothingPending }
  const state = { vmState: stateAtHome(home), powerState, networkInfo, systemMetadata }
  await changeCell(d, id, reverted, { host, node, flavor, ...state })
  return true
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
  .step('ports', async (s, d) => {
    const { target, host } = s.home
    const instance = await d.store.instances.get(s.input.instanceId)
    return moveBindings(await atHost(d, host), instance, target, host, s.input.migrationId)
  })
  .step('volumes', async (s, d) => {
    const { host } = s.home
    await moveVolumes(d, await d.store.instances.get(s.input.instanceId), host, await atHost(d, host))
  })
  .step('guest', async (s, d, c) => {
    const instance = await d.store.instances.get(s.input.instanceId)
    const atSourceOf = s.input.migrationId
    const { host, wasStopped } = s.home
    const at = await atHost(d, host)
    const spec = await movedSpec(d, instance, { flavor: s.home.flavor, vifs: s.ports, atSourceOf, at })
    const restored = await asEvent(d, s.input, restoreEvent, host, () =>
      askUnlessDown(at, host, instance.id, () =>
        hostClient(at, host).revertMove({ spec, isOn: !wasStopped }, { key: c.key }),
      ),
    )
    // A host that has died meanwhile makes it so when it is back.
    return restored ?? { exists: true, power: wasStopped ? power.shutdown : power.running }
  })
  .step('allocation', async (s, d) => {
    const at = await atHost(d, s.home.host)
    if (at !== d) await releaseHost(d.store, s.input.instanceId)
    await takeBackAllocation(at, await d.store.instances.get(s.input.instanceId), s.input.migrationId)
  })
  .step('cell', async (s, d) => ({ isElsewhere: await returnToCell(d, s.input, s.home, s.ports, s.guest.power) }))
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
    if (s.cell?.isElsewhere === true) return tx.serverCarrier.remove(id)
    const instance = await tx.instances.get(id)
    const { old_vm_state: _, ...systemMetadata } = instance.systemMetadata
    await tx.instances.change(
      instanceId(id),
      {
        vmState: stateAtHome(home),
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
