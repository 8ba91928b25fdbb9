import { instanceId } from '#base'
import { type Instance, zoneLeft } from '#model'
import { letGo } from './allocations.ts'
import type { ConductorDeps } from './deps.ts'
import { gracefulMs } from './graceful.ts'
import { specOf } from './guest-spec.ts'
import { destroyGuest, hostClient, isHostUp } from './hosts.ts'
import { unbind } from './interfaces.ts'
import { disconnectVolumes } from './volumes.ts'

/** Where the record of a shelved server keeps what it needs to come back; gone when it is back. */
const shelvedKeys = ['shelved_at', 'shelved_image_id', 'shelved_host', zoneLeft]

export const shelvedImageOf = ({ systemMetadata }: Instance): string | null =>
  systemMetadata['shelved_image_id'] ?? null

/** What the shelf knows of the server, to be written back where coming back fails. */
export const onShelf = ({ systemMetadata, launchedAtMs, vmState, powerState }: Instance) => ({
  launchedAtMs,
  vmState,
  powerState,
  keys: Object.fromEntries(Object.entries(systemMetadata).filter(([key]) => shelvedKeys.some(known => known === key))),
})
export type OnShelf = ReturnType<typeof onShelf>

/** The record says again that the server is on the shelf. */
export async function putBack(d: ConductorDeps, id: string, shelf: OnShelf, sagaId: string): Promise<void> {
  const instance = await d.store.instances.find(id)
  if (instance === undefined) return
  const { keys, ...state } = shelf
  const change = { ...state, systemMetadata: { ...instance.systemMetadata, ...keys } }
  await d.store.instances.change(instance.id, change, d.clock.now(), { sagaId })
}

export const withoutShelvedKeys = ({ systemMetadata }: Instance): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(systemMetadata).filter(([key]) => !shelvedKeys.some(known => known === key)))

const isUp = ({ vmState }: Instance): boolean => vmState === 'active' || vmState === 'paused'

/** Off before its disk is copied. A paused guest does not hear that it should shut down. */
export async function powerOff(d: ConductorDeps, instance: Instance, host: string, key: string): Promise<void> {
  if (!isUp(instance)) return
  const withinMs = instance.vmState === 'paused' ? 0 : gracefulMs(d, instance)
  await hostClient(d, host).stop({ id: instance.id, gracefulMs: withinMs }, { key })
}

/** On again as it was; a host that has died meanwhile has no guest to start. */
export async function powerOnAgain(d: ConductorDeps, id: string, key: string): Promise<void> {
  const instance = await d.store.instances.find(id)
  if (instance === undefined || instance.host === null || !isUp(instance)) return
  const { host } = instance
  try {
    for (const vif of instance.networkInfo) await d.plugger?.plug(vif.portId)
    await hostClient(d, host).start({ spec: await specOf(d, instance) }, { key })
    if (instance.vmState === 'paused') await hostClient(d, host).pause({ id: instance.id }, { key })
  } catch (error) {
    if (await isHostUp(d, host)) throw error
    d.log.warn({ instance_id: id, host, err: error }, 'host is down; its guest stays off')
  }
}

/**
 * Takes a server off its host: guest, wiring and allocation go; ports and volumes stay the server's, bound nowhere. Then the record
 * has no host. Whatever of it is done already is not done again.
 */
export async function offload(d: ConductorDeps, id: string, host: string, key: string): Promise<void> {
  await destroyGuest(d, host, id, key)
  await unbind(d, id)
  await disconnectVolumes(d, id)
  // Before the state says so: whoever waits for it may count on the room.
  await letGo(d, id)
  const instance = await d.store.instances.find(id)
  if (instance === undefined || instance.host !== host) return
  const zone = (await d.store.aggregates.zones()).get(host) ?? d.options.defaultZone
  const systemMetadata = { ...instance.systemMetadata, [zoneLeft]: zone }
  const change = { vmState: 'shelved_offloaded', host: null, node: null, powerState: 4, systemMetadata } as const
  await d.store.instances.change(instanceId(id), change, d.clock.now(), { host })
}
