import { type FaultRecord, instanceId } from '#base'
import type { ServerTask } from '#bus'
import {
  type Flavor,
  type Instance,
  InstanceChanged,
  InstanceNotReady,
  NoValidHost,
  type RequestSpec,
  type Selection,
  type Vif,
} from '#model'
import type { StepContext } from '#saga'
import type { InstanceChange, Store } from '#store'
import { type GuestSpec, power } from '#virt'
import { letGo } from './allocations.ts'
import type { ConductorDeps } from './deps.ts'
import { directBootOf } from './direct-boot.ts'
import { tpmSecretOf, withKeys } from './guest-secrets.ts'
import { guestImage, guestSpec } from './guest-spec.ts'
import { hostClient, isHostUp } from './hosts.ts'
import { atHost } from './leaving-cell.ts'
import type { TargetVolume } from './moving-volumes.ts'
import { finishEvent, startEvent } from './records.ts'
import { askScheduler } from './scheduling.ts'
import { seatOf } from './seat.ts'
import { mustKeepPolicy, withGroupNow } from './server-group.ts'

/** What a move takes the server away from, and gives back when it is undone. */
export interface Before {
  readonly host: string
  readonly node: string | null
  readonly vmState: Instance['vmState']
  readonly powerState: Instance['powerState']
}

/** A guest that was paused is on, too: it has memory to lose. */
export const isOnAsRecorded = ({ powerState }: Pick<Before, 'powerState'>): boolean =>
  powerState === power.running || powerState === power.paused

export const nothingPending = { vcpus: 0, memoryMiB: 0 } as const

export async function placedInstance(d: ConductorDeps, id: string): Promise<Instance & { readonly host: string }> {
  const instance = await d.store.instances.get(id)
  if (instance.host === null) throw InstanceNotReady({ id })
  return { ...instance, host: instance.host }
}

export async function stateBefore(d: ConductorDeps, id: string): Promise<Before> {
  const { host, node, vmState, powerState } = await placedInstance(d, id)
  return { host, node, vmState, powerState }
}

/** The guest with the disks of the record; of another flavor or on other interfaces where a move is on its way. */
export async function movedSpec(
  d: ConductorDeps,
  instance: Instance,
  change: {
    readonly flavor?: Flavor
    readonly vifs?: readonly Vif[]
    /** Connections that the record does not name yet. */
    readonly volumes?: readonly TargetVolume[]
    /** The move that keeps the source, for a guest there; otherwise it is where the server's own claim is. */
    readonly atSourceOf?: string
    /** Of the host's cell, where that is another than the server's. */
    readonly at?: ConductorDeps
  } = {},
): Promise<GuestSpec> {
  const { flavor = instance.flavor, vifs, volumes = [], atSourceOf = instance.id, at = d } = change
  const connected = new Map(volumes.map(({ deviceId, connectionInfo }) => [deviceId, connectionInfo]))
  const devices = await d.store.blockDevices.of(instance.id)
  const there = devices.map(device => ({
    ...device,
    connectionInfo: connected.get(device.id) ?? device.connectionInfo,
  }))
  const sized = { ...instance, flavor }
  const spec = guestSpec(sized, there, vifs, {
    ...(await seatOf(at, atSourceOf)),
    ...(await tpmSecretOf(d, sized, guestImage(sized))),
    ...(await directBootOf(d, guestImage(sized))),
  })
  return withKeys(d, spec)
}

/** Changes the row that this saga owns; somebody else's is left alone, and that ends the saga. */
export async function changeOwned(
  d: ConductorDeps,
  input: ServerTask,
  c: StepContext,
  change: InstanceChange,
): Promise<void> {
  const isOurs = await d.store.instances.change(instanceId(input.instanceId), change, d.clock.now(), {
    sagaId: c.sagaId,
  })
  if (!isOurs) throw InstanceChanged({ id: input.instanceId })
}

/** The part of the work that the actions log shows as one event. */
export async function asEvent<T>(
  d: ConductorDeps,
  input: ServerTask,
  event: string,
  host: string | null,
  work: () => Promise<T>,
): Promise<T> {
  await startEvent(d.store, d.clock.now(), input, event, host)
  const result = await work()
  await finishEvent(d.store, d.clock.now(), input, event)
  return result
}

/** Ends the events that a failure has left open, as errors. */
export async function failEvents(
  tx: Store,
  nowMs: number,
  input: ServerTask,
  events: readonly string[],
  failure: FaultRecord,
): Promise<void> {
  for (const event of events) await finishEvent(tx, nowMs, input, event, failure)
}

/** Hosts for the server, the first of them claimed. What an interrupted run has claimed is given back first. */
export async function scheduleMove(
  d: ConductorDeps,
  input: ServerTask,
  spec: RequestSpec,
  c: StepContext,
): Promise<readonly Selection[]> {
  await letGo(d, input.instanceId)
  const instanceIds = [input.instanceId]
  const asked = { spec: await withGroupNow(d, spec, instanceIds), instanceIds }
  // Even a cancelled one is waited for: its claim would come after it was given back, and belong to nobody.
  const result = await askScheduler(d, asked, { key: c.key, requestId: input.requestId })
  c.signal.throwIfAborted()
  if (result.ok) return result.selections[0] ?? []
  const detail = result.refusals.map(r => `${r.host}: ${r.filter}: ${r.reason}`).join('\n')
  throw NoValidHost({ reason: result.message }, { detail })
}

/** The record of the move learns its target, if the server's group lets it go there. */
export async function noteTarget(
  d: ConductorDeps,
  migrationId: string,
  target: Pick<Selection, 'host' | 'node' | 'nodeId'>,
  status: string,
  at = d,
): Promise<void> {
  const node = await at.store.computeNodes.find({ uuid: target.nodeId })
  const destIp = node?.description.hostIp ?? null
  const change = { destHost: target.host, destNode: target.node, destIp, status }
  await d.store.transaction(async tx => {
    const move = await tx.moves.find(migrationId)
    if (move !== undefined) await mustKeepPolicy(tx, move.instanceId, target.host)
    await tx.moves.change(migrationId, change, d.clock.now())
  })
}

/** Asks the host, unless it is down (undefined): what it has left it finds by itself when it is back. */
export async function askUnlessDown<T>(
  d: ConductorDeps,
  host: string,
  id: string,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (await isHostUp(d, host)) throw error
    d.log.warn({ instance_id: id, host, err: error }, 'host is down; what is left there waits until it is back')
    return undefined
  }
}

/** The server does not go back to the cell that it came from. */
export async function forgetSource(
  d: ConductorDeps,
  at: ConductorDeps,
  id: string,
  migrationId: string,
): Promise<void> {
  if (at === d) return
  await at.store.transaction(async tx => {
    await tx.serverCarrier.remove(id)
    await tx.moves.change(migrationId, { status: 'confirmed' }, at.clock.now(), 'finished')
  })
}

/** Everything that moves of a server that is deleted have left elsewhere: set-aside guests and held allocations. */
export async function endMoves(d: ConductorDeps, id: string, key: string): Promise<void> {
  for (const move of await d.store.moves.list({ filter: { instanceId: id } })) {
    if (move.status === 'finished') {
      const at = await atHost(d, move.sourceHost)
      await askUnlessDown(at, move.sourceHost, id, () => hostClient(at, move.sourceHost).confirmMove({ id }, { key }))
      await forgetSource(d, at, id, move.uuid)
    }
    if (move.status !== 'finished' && move.status !== 'done') continue
    await letGo(d, move.uuid)
    const status = move.status === 'finished' ? 'confirmed' : 'completed'
    await d.store.moves.change(move.uuid, { status }, d.clock.now(), move.status)
  }
}
