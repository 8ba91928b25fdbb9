/** nova-manage placement, on the state folder of a one-machine cloud. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fromJson, newUuid, silentLog, systemClock } from '#base'
import type { PlacementPort } from '#cloud'
import { openPlacementPort } from '#placement'
import { aFlavor } from '#scheduler'
import { openStore, type Store } from '#store'
import { fastFolder } from '../database/index.ts'
import { anInventory } from '../placement/fixtures.ts'
import { addHost, aServer, runHere } from './cloud.ts'

const folder = mkdtempSync(join(fastFolder(), 'manage-'))
let store: Store
let placement: PlacementPort
let close: () => Promise<void>
let node = ''
before(async () => {
  store = await openStore(`sqlite:///${folder}/nova.sqlite`)
  const opened = await openPlacementPort({
    databaseUrl: `sqlite:///${folder}/placement.sqlite`,
    log: silentLog,
    clock: systemClock,
  })
  placement = opened.port
  close = () => opened.close()
  node = await addHost(store, 'host-1')
  await placement.ensureProvider({ id: node, name: 'host-1' })
  const amounts = { VCPU: anInventory(8), MEMORY_MB: anInventory(8192), DISK_GB: anInventory(100) }
  await placement.setInventories(node, amounts)
})
after(async () => {
  await store.close()
  await close()
  rmSync(folder, { recursive: true })
})

const run = (...args: readonly string[]) => runHere('--state', folder, 'placement', ...args)
const claim = (consumerId: string, amounts: Readonly<Record<string, number>>, projectId = 'project') =>
  placement.claim({ consumerId, consumerType: 'INSTANCE', allocations: { [node]: amounts }, projectId, userId: 'user' })
const allocationsOf = async (id: string) => (await placement.consumer(id)).allocations

test('heal_allocations: what is missing is made, what is somebody else’s is corrected, what is right is left', async () => {
  const usual = { [node]: { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 } }
  const heal = (...args: readonly string[]) => run('heal_allocations', ...args)
  assert.equal((await heal()).code, 4)
  const [missing, foreign, right, busy, nowhere] = [
    aServer('host-1'),
    aServer('host-1'),
    aServer('host-1'),
    aServer('host-1', { taskState: 'rebooting' }),
    aServer(null, { vmState: 'error' }),
  ]
  await store.instances.create([missing, foreign, right, busy, nowhere])
  await claim(foreign.id, { VCPU: 1, MEMORY_MB: 128 }, 'other')
  await claim(right.id, { VCPU: 3 })
  const dry = await heal('--dry-run', '--verbose')
  assert.equal(dry.code, 4)
  assert.match(
    dry.stdout,
    new RegExp(`^\\[dry-run\\] Create allocations for instance ${missing.id}: .*"MEMORY_MB":128`, 'm'),
  )
  assert.match(dry.stdout, new RegExp(`^\\[dry-run\\] Update allocations for instance ${foreign.id}: `, 'm'))
  assert.match(dry.stdout, new RegExp(`^Instance ${busy.id} is undergoing a task state transition: rebooting$`, 'm'))
  assert.match(dry.stdout, new RegExp(`^Instance ${nowhere.id} is not on a host\\.$`, 'm'))
  assert.deepEqual(await allocationsOf(missing.id), {})
  assert.equal((await heal('--max-count', '1')).code, 1)
  assert.deepEqual(await allocationsOf(missing.id), usual)
  const rest = await heal('--json')
  assert.deepEqual([rest.code, fromJson(rest.stdout)], [0, { healed: [foreign.id] }])
  assert.equal((await placement.consumer(foreign.id)).projectId, 'project')
  assert.deepEqual(await allocationsOf(foreign.id), { [node]: { VCPU: 1, MEMORY_MB: 128 } })
  assert.deepEqual(
    [(await heal()).code, await allocationsOf(right.id), await allocationsOf(busy.id)],
    [4, { [node]: { VCPU: 3 } }, {}],
  )
  assert.equal((await heal('--instance', right.id, '--force')).code, 0)
  assert.deepEqual(await allocationsOf(right.id), usual)
})

test('heal_allocations: an exit code for what cannot be done', async () => {
  const huge = aServer('host-1', { flavor: aFlavor({ vcpus: 100 }) })
  const lost = aServer('host-2')
  const graphic = aServer('host-1', { flavor: aFlavor({ extraSpecs: { 'resources:VGPU': '1' } }) })
  await store.instances.create([huge, lost, graphic])
  const heal = async (...args: readonly string[]) => (await run('heal_allocations', ...args)).code
  assert.deepEqual(
    [
      await heal('--instance', lost.id),
      await heal('--instance', huge.id),
      await heal('--instance', graphic.id),
      await heal('--instance', newUuid()),
      await heal('--instance', lost.id, '--cell', newUuid()),
      await heal('--cell', newUuid()),
      await heal('--force'),
      await heal('--max-count', '0'),
    ],
    [2, 3, 8, 127, 127, 127, 127, 127],
  )
  for (const { id } of [huge, lost, graphic]) await store.instances.softDelete(id, Date.now())
})

test('audit: allocations of nobody are found, told and deleted; those of others are not ours', async () => {
  const audit = (...args: readonly string[]) => run('audit', ...args)
  assert.deepEqual(await audit('--verbose'), { code: 0, stdout: '', stderr: '' })
  const [orphan, strange, child] = [newUuid(), newUuid(), newUuid()]
  await placement.ensureProvider({ id: child, name: 'child', parentId: node })
  await placement.setInventories(child, { CUSTOM_THING: anInventory(5), VGPU: anInventory(5) })
  const owner = { projectId: 'p', userId: 'u', consumerType: 'INSTANCE' } as const
  await placement.claim({
    consumerId: orphan,
    allocations: { [node]: { VCPU: 1 }, [child]: { CUSTOM_THING: 1 } },
    ...owner,
  })
  await placement.claim({ consumerId: strange, allocations: { [child]: { CUSTOM_THING: 2 } }, ...owner })
  const building = aServer(null, { vmState: 'building', taskState: 'spawning' })
  await store.instances.create([building])
  await claim(building.id, { VCPU: 1 })
  const found = await audit('--verbose')
  assert.equal(found.code, 3)
  assert.equal(
    found.stdout,
    `Allocations for consumer UUID ${orphan} on Resource Provider ${node} can be deleted: {"VCPU":1}\nProcessed 1 allocation.\n`,
  )
  assert.equal((await audit('--resource_provider', child)).code, 0)
  assert.equal((await audit('--resource_provider', newUuid())).code, 127)
  const deleted = await audit('--delete', '--json')
  assert.equal(deleted.code, 4)
  assert.deepEqual(fromJson(deleted.stdout), [{ provider: node, consumer: orphan, resources: { VCPU: 1 } }])
  // What somebody else may still count on stays.
  assert.deepEqual(await allocationsOf(orphan), { [child]: { CUSTOM_THING: 1 } })
  assert.deepEqual(await allocationsOf(building.id), { [node]: { VCPU: 1 } })
  assert.equal((await audit()).code, 0)
})

test('sync_aggregates: nodes join the aggregates of their hosts; what is missing has its exit code', async () => {
  const sync = () => run('sync_aggregates', '--verbose')
  const aggregate = await store.aggregates.create('rack', null, Date.now())
  assert.ok(aggregate)
  const { id, uuid } = aggregate
  await store.aggregates.addHost(id, 'host-1')
  const mine = newUuid()
  await placement.setAggregates(node, [mine])
  const first = await sync()
  assert.equal(first.code, 0)
  assert.match(first.stdout, new RegExp(`^Successfully added host \\(host-1\\) and provider \\(${node}\\)`, 'm'))
  assert.deepEqual((await placement.aggregates(node)).toSorted(), [mine, uuid].toSorted())
  assert.doesNotMatch((await sync()).stdout, /Successfully/)
  await store.aggregates.addHost(id, 'host-9')
  assert.equal((await sync()).code, 5)
  await addHost(store, 'host-9')
  const unknown = await sync()
  assert.equal(unknown.code, 6)
  assert.match(unknown.stdout, /placement does not know; .*\(host-9=/)
})
