import type { Instance, PowerState, VmState } from '#model'
import type { GuestEvent } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { hostClient } from '../hosts.ts'
import { isFenced } from '../instance-ha/fence.ts'

const off: readonly PowerState[] = [4, 6]

/**
 * What an observed power state means for a server that nobody is working on; reference: states.md, section 7.
 * `stop` = the host must power the guest off.
 */
export function verdict(vmState: VmState, power: PowerState): { becomes?: VmState; stop?: true } {
  if (vmState === 'active' && (off.includes(power) || power === 7)) return { becomes: 'stopped' }
  if (vmState === 'paused' && off.includes(power)) return { becomes: 'stopped' }
  // Those on the shelf or put away are off too; Nova only says so in its log.
  const isOff = vmState === 'stopped' || vmState === 'shelved' || vmState === 'soft-delete'
  if (isOff && (power === 1 || power === 3)) return { stop: true }
  if (vmState === 'stopped' && power === 7) return { stop: true }
  return {}
}

/**
 * The world changed: a guest went off, came up or crashed behind our back. Servers with a task are left alone, their saga
 * knows what it does. The state is asked again, because an event may be older than the last operation.
 * What a fenced host has left of its guests is no news: its servers go on elsewhere, as they were.
 */
export async function onGuestEvent(deps: ConductorDeps, host: string, event: GuestEvent): Promise<void> {
  const instance = await deps.store.instances.find(event.id)
  if (instance === undefined || instance.host !== host || instance.taskState !== null || instance.isDeleted) return
  if (await isFenced(deps, host)) return
  const state = await hostClient(deps, host).state({ id: instance.id })
  await reconcile(deps, host, instance, state.exists ? state.power : 0)
}

async function reconcile(deps: ConductorDeps, host: string, instance: Instance, power: PowerState): Promise<void> {
  const { becomes, stop } = verdict(instance.vmState, power)
  if (stop === true) {
    deps.log.warn({ instance_id: instance.id, host, power_state: power }, 'guest of a stopped server runs; stopping it')
    await hostClient(deps, host).stop({ id: instance.id, gracefulMs: 0 })
    return
  }
  if (becomes === undefined && power === instance.powerState) return
  const change = { powerState: power, ...(becomes === undefined ? {} : { vmState: becomes }) }
  const isChanged = await deps.store.instances.change(instance.id, change, deps.clock.now(), {
    vmState: instance.vmState,
    taskState: null,
    host,
  })
  if (isChanged && becomes !== undefined) {
    if (becomes === 'stopped') await letGoOfShares(deps, host, instance.id)
    deps.log.warn(
      { instance_id: instance.id, host, power_state: power, vm_state: becomes },
      'guest changed its power state by itself',
    )
  }
}

/** The guest has none of its shares any more, so the host does without them too. */
async function letGoOfShares(deps: ConductorDeps, host: string, id: string): Promise<void> {
  if (!(await deps.store.serverShares.has(id))) return
  await deps.store.serverShares.changeAllOf(id, 'inactive', deps.clock.now())
  await hostClient(deps, host).stop({ id, gracefulMs: 0 })
}
