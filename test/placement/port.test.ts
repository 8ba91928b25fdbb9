import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { ManualClock, newUuid } from '#base'
import { InventoryInUse, NoCapacity, PlacementConflict, ProviderNotFound } from '#cloud'
import { aClaim, aGroup, anInventory, aQuery, openWorld, type World } from './fixtures.ts'

let world: World
let host: string
before(async () => {
  world = await openWorld(new ManualClock())
})
after(() => world.remove())
beforeEach(async () => {
  host = newUuid()
  await world.port.ensureProvider({ id: host, name: `host-${host}` })
  await world.port.setInventories(host, {
    VCPU: anInventory(4, { allocationRatio: 2 }),
    MEMORY_MB: anInventory(2048, { reserved: 512 }),
  })
})

/** Asks for this test's host only. */
const here = (resources: Record<string, number>, other = {}) => aQuery([aGroup(resources, { inTree: host, ...other })])

test('ensureProvider creates once, then renames, and keeps the generation', async () => {
  const again = await world.port.ensureProvider({ id: host, name: `renamed-${host}` })
  assert.deepEqual(again, { id: host, name: `renamed-${host}`, generation: 1, parentId: null, rootId: host })
  assert.deepEqual(await world.port.provider(host), again)
  assert.equal(await world.port.provider(newUuid()), undefined)
})

test('a second provider of the same name is a conflict', async () => {
  await assert.rejects(world.port.ensureProvider({ id: newUuid(), name: `host-${host}` }), PlacementConflict.is)
})

test('a child belongs to its parent’s tree, and the parent cannot go before it', async () => {
  const child = newUuid()
  const created = await world.port.ensureProvider({ id: child, name: `child-${child}`, parentId: host })
  assert.deepEqual([created.parentId, created.rootId], [host, host])
  await assert.rejects(world.port.deleteProvider(host), /parent of another/)
  await world.port.deleteProvider(child)
  await world.port.deleteProvider(host)
  assert.equal(await world.port.provider(host), undefined)
})

test('what was set is read back: inventories, traits (custom ones are made), aggregates by their effect', async () => {
  assert.deepEqual(await world.port.inventories(host), {
    VCPU: anInventory(4, { allocationRatio: 2 }),
    MEMORY_MB: anInventory(2048, { reserved: 512 }),
  })
  const custom = `CUSTOM_${host.replaceAll('-', '_').toUpperCase()}`
  await world.port.setTraits(host, ['COMPUTE_NODE', custom])
  assert.deepEqual(await world.port.traits(host), ['COMPUTE_NODE', custom])
  await assert.rejects(world.port.setTraits(host, ['HW_NO_SUCH_THING']), /No such trait/)
  const aggregate = newUuid()
  const member = here({ VCPU: 1 }, { memberOf: [[aggregate]] })
  assert.equal((await world.port.candidates(member)).requests.length, 0)
  await world.port.setAggregates(host, [aggregate])
  assert.equal((await world.port.candidates(member)).requests.length, 1)
})

test('reporting the same again moves no generation and writes nothing', async () => {
  const aggregate = newUuid()
  const report = async () => {
    await world.port.setInventories(host, { VCPU: anInventory(2) })
    await world.port.setTraits(host, ['COMPUTE_NODE', 'COMPUTE_NODE'])
    await world.port.setAggregates(host, [aggregate])
    return (await world.port.provider(host))?.generation
  }
  const before = await report()
  const statements = world.counter.statements.length
  assert.equal(await report(), before)
  assert.deepEqual(
    world.counter.statements.slice(statements).filter(sql => !sql.startsWith('select')),
    [],
  )
})

test('a candidate names provider, amounts and what else the provider has', async () => {
  await world.port.setTraits(host, ['COMPUTE_NODE'])
  assert.deepEqual(await world.port.candidates(here({ VCPU: 2 }, { required: [['COMPUTE_NODE']] })), {
    requests: [{ allocations: { [host]: { VCPU: 2 } }, mappings: { '': [host] } }],
    summaries: {
      [host]: {
        rootId: host,
        parentId: null,
        resources: { VCPU: { capacity: 8, used: 0 }, MEMORY_MB: { capacity: 1536, used: 0 } },
        traits: ['COMPUTE_NODE'],
      },
    },
  })
})

test('unknown names in a query are refused', async () => {
  await assert.rejects(world.port.candidates(here({ CUSTOM_NEVER_HEARD_OF: 1 })), /No such resource class/)
  await assert.rejects(
    world.port.candidates(here({ VCPU: 1 }, { forbidden: ['CUSTOM_NEVER_HEARD_OF'] })),
    /No such trait/,
  )
})

test('claims add up in usages and candidates, release takes them back, both at once and again', async () => {
  const claim = aClaim({ [host]: { VCPU: 3, MEMORY_MB: 1024 } })
  await world.port.claim(claim)
  await world.port.claim(claim)
  assert.deepEqual(await world.port.usages(host), { VCPU: 3, MEMORY_MB: 1024 })
  assert.deepEqual((await world.port.candidates(here({ VCPU: 5 }))).requests.length, 1)
  assert.deepEqual((await world.port.candidates(here({ VCPU: 6 }))).requests.length, 0)
  assert.deepEqual(await world.port.consumersOf(host), [claim.consumerId])
  assert.deepEqual(await world.port.consumer(claim.consumerId), {
    allocations: claim.allocations,
    projectId: 'p1',
    userId: 'u1',
    consumerType: 'INSTANCE',
    generation: 1,
  })
  await world.port.release(claim.consumerId)
  await world.port.release(claim.consumerId)
  assert.deepEqual(await world.port.usages(host), { VCPU: 0, MEMORY_MB: 0 })
  assert.equal((await world.port.consumer(claim.consumerId)).generation, null)
})

test('a claim that does not fit says how much is missing and leaves nothing', async () => {
  const claim = aClaim({ [host]: { VCPU: 1, MEMORY_MB: 4096 } })
  await assert.rejects(world.port.claim(claim), error => {
    assert.ok(NoCapacity.is(error))
    assert.equal(error.message, 'MEMORY_MB: 4096 needed, 1536 free of 2048 (allocation ratio 1, reserved 512)')
    return true
  })
  assert.deepEqual(await world.port.usages(host), { VCPU: 0, MEMORY_MB: 0 })
  assert.equal((await world.port.consumer(claim.consumerId)).generation, null)
})

test('a consumer that holds something else cannot claim on top of it', async () => {
  const claim = aClaim({ [host]: { VCPU: 1 } })
  await world.port.claim(claim)
  await assert.rejects(world.port.claim({ ...claim, allocations: { [host]: { VCPU: 2 } } }), PlacementConflict.is)
})

test('a class in use cannot vanish from the inventories, an unused one can', async () => {
  await world.port.claim(aClaim({ [host]: { VCPU: 1 } }))
  await assert.rejects(world.port.setInventories(host, { MEMORY_MB: anInventory(10) }), InventoryInUse.is)
  await world.port.setInventories(host, { VCPU: anInventory(1) })
  assert.deepEqual(await world.port.usages(host), { VCPU: 1 })
})

test('a move hands allocations over in one step, or not at all', async () => {
  const target = newUuid()
  await world.port.ensureProvider({ id: target, name: `target-${target}` })
  await world.port.setInventories(target, { VCPU: anInventory(1) })
  const instance = aClaim({ [host]: { VCPU: 1 } })
  await world.port.claim(instance)
  const migration = { ...instance, consumerId: newUuid(), consumerType: 'MIGRATION' as const }
  await world.port.reallocate([migration, { ...instance, allocations: { [target]: { VCPU: 1 } } }])
  assert.deepEqual(
    [await world.port.usages(host), await world.port.usages(target)],
    [{ VCPU: 1, MEMORY_MB: 0 }, { VCPU: 1 }],
  )
  await assert.rejects(
    world.port.reallocate([
      { ...migration, allocations: {} },
      { ...instance, allocations: { [target]: { VCPU: 2 } } },
    ]),
    NoCapacity.is,
  )
  assert.deepEqual(await world.port.usages(host), { VCPU: 1, MEMORY_MB: 0 })
  await world.port.reallocate([{ ...migration, allocations: {} }, instance])
  assert.deepEqual(
    [await world.port.usages(host), await world.port.usages(target)],
    [{ VCPU: 1, MEMORY_MB: 0 }, { VCPU: 0 }],
  )
})

test('what is not there is named', async () => {
  for (const name of ['inventories', 'usages', 'consumersOf', 'traits'] as const) {
    await assert.rejects(world.port[name](newUuid()), ProviderNotFound.is)
  }
})

test('explain says per provider what is missing, with numbers', async () => {
  await world.port.setTraits(host, ['COMPUTE_STATUS_DISABLED'])
  const query = aQuery([
    aGroup(
      { VCPU: 9, MEMORY_MB: 4096, DISK_GB: 1 },
      { forbidden: ['COMPUTE_STATUS_DISABLED'], required: [['HW_CPU_X86_AVX', 'HW_CPU_X86_SSE']] },
    ),
  ])
  const mine = (await world.port.explain(query)).find(refusal => refusal.providerId === host)
  assert.deepEqual(mine?.reason.split('; '), [
    'trait any of HW_CPU_X86_AVX, HW_CPU_X86_SSE is required and missing',
    'trait COMPUTE_STATUS_DISABLED is forbidden and present',
    'VCPU: 9 needed, 8 free of 4 (allocation ratio 2, reserved 0)',
    'MEMORY_MB: 4096 needed, 1536 free of 2048 (allocation ratio 1, reserved 512)',
    'DISK_GB: 1 needed, the provider has none',
  ])
  assert.deepEqual(
    await world.port.explain(here({ VCPU: 1 })).then(all => all.filter(one => one.providerId === host)),
    [],
  )
})

test('a claim for a new consumer and a release cost four statements each, beside begin and commit', async () => {
  const claim = aClaim({ [host]: { VCPU: 1, MEMORY_MB: 1 } })
  await world.port.candidates(here({ VCPU: 1 }))
  const count = async (work: () => Promise<unknown>) => {
    const before = world.counter.statements.length
    await work()
    return world.counter.statements.slice(before).filter(sql => !/^(begin|commit)$/.test(sql)).length
  }
  assert.equal(await count(() => world.port.claim(claim)), 4)
  assert.equal(await count(() => world.port.candidates(here({ VCPU: 1 }))), 1)
  assert.equal(await count(() => world.port.release(claim.consumerId)), 4)
})
