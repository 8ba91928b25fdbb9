import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Fault, newUuid } from '#base'
import { type Candidates, type Claim, InventoryInUse, NoCapacity, PlacementConflict, ProviderNotFound } from '#cloud'
import { aClaim, aGroup, anInventory, aQuery } from '../placement/fixtures.ts'
import type { World } from './world.ts'

export function placementContract(how: string, world: () => World): void {
  const port = () => world().ports.placement
  let host: string
  const inventories = {
    VCPU: anInventory(4, { allocationRatio: 2 }),
    MEMORY_MB: anInventory(2048, { reserved: 512 }),
  }
  beforeEach(async () => {
    host = newUuid()
    await port().ensureProvider({ id: host, name: `host-${host}` })
    await port().setInventories(host, inventories)
  })
  const here = (resources: Record<string, number>, other = {}) =>
    aQuery([aGroup(resources, { inTree: host, ...other })])
  const claimOf = (amounts: Record<string, number>, other: Partial<Claim> = {}): Claim => ({
    ...aClaim({ [host]: amounts }),
    ...other,
  })
  /** Traits come in any order. */
  const inOrder = ({ requests, summaries }: Candidates) => ({
    requests,
    summaries: Object.fromEntries(
      Object.entries(summaries).map(([id, summary]) => [id, { ...summary, traits: summary.traits.toSorted() }]),
    ),
  })
  const isConflict = (error: unknown) => error instanceof Fault && error.kind === 'conflict'

  test(`${how}: providers are made once, renamed, put into trees and removed`, async () => {
    const again = await port().ensureProvider({ id: host, name: `renamed-${host}` })
    assert.deepEqual([again.id, again.name, again.parentId, again.rootId], [host, `renamed-${host}`, null, host])
    assert.deepEqual(await port().provider(host), again)
    assert.equal(await port().provider(newUuid()), undefined)
    await assert.rejects(port().ensureProvider({ id: newUuid(), name: `renamed-${host}` }), PlacementConflict.is)
    const child = newUuid()
    const made = await port().ensureProvider({ id: child, name: `child-${child}`, parentId: host })
    assert.deepEqual([made.parentId, made.rootId], [host, host])
    const all = await port().providers()
    assert.deepEqual(
      all.find(({ id }) => id === child),
      made,
    )
    assert.ok(all.some(({ id }) => id === host))
    await assert.rejects(port().deleteProvider(host), isConflict)
    await port().deleteProvider(child)
    await port().deleteProvider(host)
    await assert.rejects(port().deleteProvider(host), ProviderNotFound.is)
    await assert.rejects(port().inventories(host), ProviderNotFound.is)
  })

  test(`${how}: what is set is read back`, async () => {
    assert.deepEqual(await port().inventories(host), inventories)
    const custom = `CUSTOM_${host.replaceAll('-', '_').toUpperCase()}`
    await port().setInventories(host, { VCPU: anInventory(4), [custom]: anInventory(2) })
    await port().setInventories(host, { VCPU: anInventory(4), [custom]: anInventory(3) })
    assert.equal((await port().inventories(host))[custom]?.total, 3)
    await port().setTraits(host, ['COMPUTE_NODE', custom])
    assert.deepEqual((await port().traits(host)).toSorted(), ['COMPUTE_NODE', custom])
    await assert.rejects(port().setTraits(host, ['HW_NO_SUCH_THING']), /No such trait/)
    const aggregate = newUuid()
    assert.deepEqual(await port().aggregates(host), [])
    await port().setAggregates(host, [aggregate])
    assert.deepEqual(await port().aggregates(host), [aggregate])
    assert.deepEqual(await port().aggregates(newUuid()), [])
    assert.equal((await port().candidates(here({ VCPU: 1 }, { memberOf: [[aggregate]] }))).requests.length, 1)
    assert.equal((await port().candidates(here({ VCPU: 1 }, { notMemberOf: [aggregate] }))).requests.length, 0)
    assert.equal(
      (await port().candidates(here({ VCPU: 1 }, { memberOf: [[aggregate, newUuid()]] }))).requests.length,
      1,
    )
  })

  test(`${how}: candidates are those of the built-in engine, for any query`, async () => {
    for (const placement of [port(), world().engine]) {
      await placement.ensureProvider({ id: host, name: `host-${host}` })
      await placement.setInventories(host, inventories)
      await placement.setTraits(host, ['COMPUTE_NODE', 'HW_CPU_X86_AVX'])
    }
    const queries = [
      here({ VCPU: 2, MEMORY_MB: 256 }, { required: [['COMPUTE_NODE']], forbidden: ['HW_CPU_X86_AVX2'] }),
      here({ VCPU: 2 }, { required: [['HW_CPU_X86_AVX', 'HW_CPU_X86_AVX2'], ['COMPUTE_NODE']] }),
      here({ VCPU: 2 }, { forbidden: ['HW_CPU_X86_AVX'] }),
      here({ VCPU: 9 }),
      { ...here({ VCPU: 1 }), rootRequired: ['COMPUTE_NODE'], rootForbidden: ['HW_CPU_X86_AVX2'], limit: 1 },
      {
        ...aQuery([aGroup({ VCPU: 1 }, { inTree: host }), aGroup({ MEMORY_MB: 1 }, { suffix: '_A', inTree: host })]),
        sameSubtrees: [['_A']],
        groupPolicy: 'none' as const,
      },
    ]
    for (const query of queries) {
      assert.deepEqual(inOrder(await port().candidates(query)), inOrder(await world().engine.candidates(query)))
    }
    await assert.rejects(
      port().candidates(here({ CUSTOM_NOBODY_HAS: 1 })),
      (e: unknown) => e instanceof Fault && e.status === 400,
    )
  })

  test(`${how}: a claim holds, may be repeated, and is released`, async () => {
    const claim = claimOf({ VCPU: 2, MEMORY_MB: 512 })
    await port().claim(claim)
    await port().claim(claim)
    assert.deepEqual(await port().usages(host), { VCPU: 2, MEMORY_MB: 512 })
    assert.deepEqual(await port().consumersOf(host), [claim.consumerId])
    const { generation, ...state } = await port().consumer(claim.consumerId)
    const { allocations, projectId, userId, consumerType } = claim
    assert.deepEqual(state, { allocations, projectId, userId, consumerType })
    assert.equal(typeof generation, 'number')
    const other = { ...claim, allocations: { [host]: { VCPU: 1 } } }
    await assert.rejects(port().claim(other), PlacementConflict.is)
    await assert.rejects(port().setInventories(host, { MEMORY_MB: anInventory(2048) }), InventoryInUse.is)
    await assert.rejects(port().deleteProvider(host), isConflict)
    await port().release(claim.consumerId)
    await port().release(claim.consumerId)
    assert.equal((await port().consumer(claim.consumerId)).generation, null)
    assert.deepEqual(await port().usages(host), { VCPU: 0, MEMORY_MB: 0 })
  })

  test(`${how}: what does not fit is refused, and nothing is held`, async () => {
    const claim = claimOf({ VCPU: 2, MEMORY_MB: 4096 })
    await assert.rejects(port().claim(claim), NoCapacity.is)
    assert.deepEqual(await port().consumersOf(host), [])
  })

  test(`${how}: of many claims at once exactly as many hold as fit`, async () => {
    const claims = Array.from({ length: 12 }, () => port().claim(claimOf({ VCPU: 1, MEMORY_MB: 256 })))
    const results = await Promise.allSettled(claims)
    assert.equal(results.filter(r => r.status === 'fulfilled').length, 6)
    assert.ok(results.every(r => r.status === 'fulfilled' || NoCapacity.is(r.reason)))
    assert.deepEqual(await port().usages(host), { VCPU: 6, MEMORY_MB: 1536 })
  })

  test(`${how}: a move changes hands for all or for none`, async () => {
    const instance = claimOf({ VCPU: 4, MEMORY_MB: 1024 })
    await port().claim(instance)
    const migration = claimOf({ VCPU: 4, MEMORY_MB: 1024 }, { consumerType: 'MIGRATION' })
    const target = newUuid()
    await port().ensureProvider({ id: target, name: `target-${target}` })
    await port().setInventories(target, { VCPU: anInventory(4), MEMORY_MB: anInventory(512) })
    const move = (amounts: Record<string, number>) => [migration, { ...instance, allocations: { [target]: amounts } }]
    await assert.rejects(port().reallocate(move({ VCPU: 4, MEMORY_MB: 1024 })), NoCapacity.is)
    assert.deepEqual(await port().consumersOf(host), [instance.consumerId])
    await port().reallocate(move({ VCPU: 4, MEMORY_MB: 512 }))
    await port().reallocate(move({ VCPU: 4, MEMORY_MB: 512 }))
    assert.deepEqual(await port().consumersOf(host), [migration.consumerId])
    assert.deepEqual(await port().consumersOf(target), [instance.consumerId])
    await port().reallocate([{ ...migration, allocations: {} }])
    assert.deepEqual(await port().consumersOf(host), [])
  })
}
