import assert from 'node:assert/strict'
import { flavorResources, type Instance, type Migration } from '#model'
import type { Stage } from './deeds.ts'

/** What is there after all operations have ended. */
interface Picture {
  readonly servers: readonly Instance[]
  /** Moves that hold something at their source: unconfirmed resizes, evacuations from hosts that are still away. */
  readonly holding: readonly Migration[]
  readonly nodes: readonly { readonly host: string; readonly nodeId: string }[]
}

async function picture({ cloud }: Stage): Promise<Picture> {
  const { store, deps } = cloud
  const now = deps.clock.now()
  const lived = await store.instances.livedBetween(now, now + 1)
  const finished = await store.moves.inStatus('finished', {})
  const done = await store.moves.inStatus('done', {})
  const nodes = (await store.computeNodes.list()).map(({ host, uuid }) => ({ host, nodeId: uuid }))
  return { servers: lived.filter(one => !one.isDeleted), holding: [...finished, ...done], nodes }
}

/** No task without an operation; what the records of moves say is over or waits for a person. */
async function checkTasks({ cloud }: Stage, { servers }: Picture): Promise<void> {
  const busy = servers.filter(one => one.taskState !== null || one.vmState === 'building')
  assert.deepEqual(
    busy.map(({ id, vmState, taskState }) => ({ id, vmState, taskState })),
    [],
  )
  for (const status of [
    'accepted',
    'queued',
    'preparing',
    'running',
    'migrating',
    'pre-migrating',
    'post-migrating',
    'confirming',
    'reverting',
  ])
    assert.deepEqual(
      (await cloud.store.moves.inStatus(status, {})).map(({ uuid }) => uuid),
      [],
      status,
    )
}

/** Placement holds for each server on a host what its flavor takes, for each waiting move what it left, and nothing else. */
async function checkAllocations({ cloud }: Stage, { servers, holding, nodes }: Picture): Promise<void> {
  const { port } = cloud.placement
  const expected = new Map<string, Map<string, Readonly<Record<string, number>>>>()
  const expect = (host: string | null, consumer: string, amounts: Readonly<Record<string, number>>) => {
    if (host === null) return
    const there = expected.get(host) ?? new Map()
    expected.set(host, there.set(consumer, amounts))
  }
  for (const { id, host, flavor } of servers) expect(host, id, flavorResources(flavor, false))
  const flavorOf = new Map(servers.map(({ id, flavor }) => [id as string, flavor]))
  for (const move of holding) {
    const flavor = move.oldFlavor ?? flavorOf.get(move.instanceId)
    // A server deleted while its old host is away leaves the record of the evacuation with what it held there.
    if (flavor !== undefined && flavor !== null) expect(move.sourceHost, move.uuid, flavorResources(flavor, false))
  }
  for (const { host, nodeId } of nodes) {
    const here = expected.get(host) ?? new Map<string, Readonly<Record<string, number>>>()
    const consumers = new Set(await port.consumersOf(nodeId))
    for (const consumer of consumers)
      assert.ok(
        here.has(consumer) || holding.some(move => move.uuid === consumer),
        `${host} holds something for ${consumer}`,
      )
    for (const [consumer, amounts] of here) {
      const { allocations } = await port.consumer(consumer)
      assert.deepEqual(allocations, { [nodeId]: amounts }, `${consumer} on ${host}`)
    }
  }
}

/** Nobody has more than the ratios allow. */
async function checkCapacity({ cloud }: Stage, { nodes }: Picture): Promise<void> {
  for (const { host, nodeId } of nodes) {
    const inventories = await cloud.placement.port.inventories(nodeId)
    for (const [name, used] of Object.entries(await cloud.placement.port.usages(nodeId))) {
      const { total = 0, reserved = 0, allocationRatio = 1 } = inventories[name] ?? {}
      const capacity = Math.floor((total - reserved) * allocationRatio)
      assert.ok(used <= capacity, `${host}: ${used} of ${capacity} ${name}`)
    }
  }
}

/** Every host that lives has the guests of its servers, and set aside what a move may take back. */
async function checkGuests({ cloud, dead }: Stage, { servers, holding }: Picture): Promise<void> {
  for (const [host, driver] of cloud.drivers) {
    if (dead.has(host)) continue
    const here = servers.filter(one => one.host === host)
    const guests = new Set((await driver.list()).map(({ id }) => id))
    for (const id of guests)
      assert.ok(
        here.some(one => one.id === id),
        `${host} runs ${id}, which is not its server`,
      )
    for (const { id, vmState } of here)
      assert.ok(guests.has(id) || vmState === 'error', `${host} has lost ${id} (${vmState})`)
    const aside = new Set(
      holding.filter(move => move.sourceHost === host && move.status === 'finished').map(m => m.instanceId),
    )
    assert.deepEqual(new Set(await driver.coldMigration.setAside()), aside, `set aside on ${host}`)
  }
}

async function checkGroups({ cloud, groupIds }: Stage, { servers }: Picture): Promise<void> {
  for (const groupId of groupIds) {
    const { policy, members, rules } = (
      await cloud.request('GET', `/os-server-groups/${groupId}`, { version: '2.90', as: cloud.member })
    ).expect(200).body.server_group
    const places = servers.filter(one => members.includes(one.id)).flatMap(({ host }) => host ?? [])
    const hosts = new Set(places)
    if (policy === 'affinity') assert.ok(hosts.size <= 1, `${groupId}: affinity on ${[...hosts]}`)
    const most = rules.max_server_per_host ?? 1
    for (const host of policy === 'anti-affinity' ? hosts : []) {
      const count = places.filter(place => place === host).length
      assert.ok(count <= most, `${groupId}: ${count} of an anti-affinity group on ${host}`)
    }
  }
}

/** What must be true whenever nothing is under way. */
export async function checkInvariants(stage: Stage): Promise<{ readonly servers: number }> {
  const now = await picture(stage)
  await checkTasks(stage, now)
  await checkAllocations(stage, now)
  await checkCapacity(stage, now)
  await checkGuests(stage, now)
  await checkGroups(stage, now)
  return { servers: now.servers.length }
}
