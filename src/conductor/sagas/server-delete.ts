import { instanceId } from '#base'
import type { ServerTask } from '#bus'
import { removal } from '#saga'
import type { Store } from '#store'
import { letGo } from '../allocations.ts'
import type { ConductorDeps } from '../deps.ts'
import { forgetDiskKeys } from '../disk-keys.ts'
import { forgetTpmSecret } from '../guest-secrets.ts'
import { destroyGuest } from '../hosts.ts'
import { removeImage } from '../images.ts'
import { disconnect, preservedPorts } from '../interfaces.ts'
import { endMoves } from '../moves.ts'
import { say } from '../notices.ts'
import { finishEvent, startEvent } from '../records.ts'
import { giveUpShares } from '../shares.ts'
import { shelvedImageOf } from '../shelving.ts'
import { giveUpVolumes } from '../volumes.ts'

const event = 'compute_terminate_instance'

/** One that no host has ever had is removed by the API. */
const publisher = (s: { readonly accepted?: { readonly host: string | null } }) =>
  s.accepted?.host == null ? ({ binary: 'nova-api' } as const) : {}

/**
 * Remove a server. Forward only from the start: whatever fails is tried again until it is gone. It runs after the saga
 * that it cancelled has ended, so nobody else makes guests or ports for this instance any more.
 *
 * A host that is down keeps its guest for now; its nova-compute removes guests whose records are deleted when it is back.
 */
export const serverDelete = removal<ConductorDeps, ServerTask, Store>('server-delete')
  .step('accepted', async (s, d) => {
    const instance = await d.store.instances.find(s.input.instanceId, { withDeleted: true })
    await startEvent(d.store, d.clock.now(), s.input, event, instance?.host ?? null)
    // One that was put away on the shelf has it too.
    const imageId = instance === undefined ? null : shelvedImageOf(instance)
    return { host: instance?.host ?? null, preserved: [...preservedPorts(instance)], imageId }
  })
  .step('guest', async (s, d, c) => {
    const { host } = s.accepted
    if (host !== null) await destroyGuest(d, host, s.input.instanceId, c.key)
    await forgetTpmSecret(d, s.input.instanceId)
    await forgetDiskKeys(d, s.input.instanceId)
  })
  .step('moves', (s, d, c) => endMoves(d, s.input.instanceId, c.key))
  .step('ports', (s, d) => disconnect(d, s.input.instanceId, new Set(s.accepted.preserved)))
  .step('image', async (s, d) => {
    if (s.accepted.imageId !== null) await removeImage(d, s.accepted.imageId)
  })
  .step('shares', (s, d) => giveUpShares(d, s.input.instanceId))
  .step('volumes', (s, d) => giveUpVolumes(d, s.input.instanceId))
  .step('allocation', (s, d) => letGo(d, s.input.instanceId))
  .settled(async (s, _outcome, tx, { nowMs }) => {
    await finishEvent(tx, nowMs, s.input, event)
    await tx.serverGroups.removeMember(s.input.instanceId)
    await tx.consoleTokens.forget(s.input.instanceId)
    await tx.serverShares.removeAllOf(s.input.instanceId)
    await tx.blockDevices.removeAllOf(s.input.instanceId)
    await tx.launchSecrets.forget(s.input.instanceId)
    await tx.instances.softDelete(instanceId(s.input.instanceId), nowMs)
    await tx.instanceMappings.markDeleted(s.input.instanceId, true)
  })
  .telling({
    'after accepted': [
      say('instance.delete.start', publisher),
      say('instance.shutdown.start', s => (s.accepted?.host == null ? undefined : {})),
    ],
    'after ports': say('instance.shutdown.end', s => (s.accepted?.host == null ? undefined : {})),
    done: say('instance.delete.end', publisher),
  })
