import { instanceId } from '#base'
import type { SagaInputs } from '#bus'
import { HostUnavailable } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { power } from '#virt'
import { letGo } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, isHostUp } from '../hosts.ts'
import { atHost } from '../leaving-cell.ts'
import { askUnlessDown, forgetSource } from '../moves.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'

const event = 'compute_confirm_resize'

async function sourceOf(d: ConductorDeps, migrationId: string): Promise<string> {
  const move = await d.store.moves.find(migrationId)
  if (move === undefined) throw new Error(`migration ${migrationId} has no record`)
  return move.sourceHost
}

const atSource = ({ ready }: { readonly ready?: { readonly host: string } }) => ({ host: ready?.host ?? null })

/**
 * The user keeps the new size: what the source has set aside goes, with the allocation it held. Before that nothing has
 * happened and a failure leaves the resize as it was, to be confirmed again.
 */
export const serverConfirmResize = saga<ConductorDeps, SagaInputs['server-confirm-resize'], Store>(
  'server-confirm-resize',
)
  .step('ready', async (s, d) => {
    const host = await sourceOf(d, s.input.migrationId)
    await startEvent(d.store, d.clock.now(), s.input, event, host)
    if (!(await isHostUp(await atHost(d, host), host))) throw HostUnavailable({ host })
    return { host }
  })
  // From here on it is done, however often it takes: a set-aside guest that is gone does not come back.
  .pivot('decided', () => undefined)
  .step('source', async (s, d, c) => {
    const { host } = s.ready
    const id = s.input.instanceId
    const at = await atHost(d, host)
    await askUnlessDown(at, host, id, () => hostClient(at, host).confirmMove({ id }, { key: c.key }))
    await forgetSource(d, at, id, s.input.migrationId)
  })
  .step('allocation', (s, d) => letGo(d, s.input.migrationId))
  .settled(async (s, outcome, tx, { nowMs }) => {
    const { instanceId: id, migrationId } = s.input
    if (outcome.status === 'undone') {
      await tx.moves.change(migrationId, { status: 'finished' }, nowMs, 'confirming')
      await finishEvent(tx, nowMs, s.input, event, outcome.failure)
      await recordFault(tx, nowMs, s.input, outcome.failure, null)
      return
    }
    await tx.moves.change(migrationId, { status: 'confirmed' }, nowMs)
    await finishEvent(tx, nowMs, s.input, event)
    const instance = await tx.instances.find(id)
    if (instance === undefined) return
    const { old_vm_state: _, ...systemMetadata } = instance.systemMetadata
    const vmState = instance.powerState === power.shutdown ? 'stopped' : 'active'
    await tx.instances.change(instanceId(id), { vmState, systemMetadata }, nowMs, { vmState: 'resized' })
    const spec = await tx.requestSpecs.find(id)
    // What it has of its host now is what it asked for with the new flavor.
    const pciRequests = (await tx.hostClaims.of(id))?.requests ?? []
    if (spec !== undefined) await tx.requestSpecs.save(id, { ...spec, flavor: instance.flavor, pciRequests })
  })
  .telling({
    'before source': say('instance.resize_confirm.start', atSource),
    done: say('instance.resize_confirm.end', atSource),
  })
