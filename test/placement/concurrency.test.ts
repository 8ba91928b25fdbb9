import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { newUuid } from '#base'
import { NoCapacity, type PlacementPort } from '#cloud'
import { aClaim, aGroup, anInventory, aQuery, openWorld, type World } from './fixtures.ts'

let world: World
let other: { port: PlacementPort }
before(async () => {
  world = await openWorld()
  other = await world.another()
})
after(() => world.remove())

async function aHost(port: PlacementPort, vcpus: number): Promise<string> {
  const id = newUuid()
  await port.ensureProvider({ id, name: id })
  await port.setInventories(id, { VCPU: anInventory(vcpus) })
  return id
}

/** Settles all claims; how many were granted. Anything but a full host is an error. */
async function granted(claims: readonly Promise<void>[]): Promise<number> {
  const results = await Promise.allSettled(claims)
  const errors = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  for (const error of errors) assert.ok(NoCapacity.is(error), String(error))
  return results.length - errors.length
}

test('parallel claims through two processes on one database fill a host exactly', async () => {
  const host = await aHost(world.port, 20)
  const claims = Array.from({ length: 50 }, (_, i) =>
    (i % 2 === 0 ? world : other).port.claim(aClaim({ [host]: { VCPU: 1 } })),
  )
  assert.equal(await granted(claims), 20)
  for (const { port } of [world, other]) assert.deepEqual(await port.usages(host), { VCPU: 20 })
})

test('each process sees at once what the other one changed', async () => {
  const host = await aHost(world.port, 4)
  const query = (vcpus: number) => aQuery([aGroup({ VCPU: vcpus }, { inTree: host })])
  const count = async (port: PlacementPort, vcpus: number) => (await port.candidates(query(vcpus))).requests.length
  assert.equal(await count(other.port, 4), 1)
  const claim = aClaim({ [host]: { VCPU: 1 } })
  await other.port.claim(claim)
  assert.equal(await count(world.port, 4), 0)
  await world.port.release(claim.consumerId)
  assert.equal(await count(other.port, 4), 1)
  await other.port.setTraits(host, ['CUSTOM_SEEN_BY_BOTH'])
  assert.deepEqual(await world.port.traits(host), ['CUSTOM_SEEN_BY_BOTH'])
  const child = newUuid()
  await world.port.ensureProvider({ id: child, name: child, parentId: host })
  assert.equal((await other.port.provider(child))?.rootId, host)
  await other.port.deleteProvider(child)
  assert.equal(await world.port.provider(child), undefined)
})

test('any mix of parallel claims and releases keeps every provider within its capacity and its books', async () => {
  const move = fc.record({
    host: fc.nat(1),
    vcpus: fc.integer({ min: 1, max: 3 }),
    release: fc.boolean(),
    through: fc.nat(1),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 25 }), async moves => {
      const hosts = [await aHost(world.port, 5), await aHost(other.port, 3)]
      const ports = [world.port, other.port]
      const held = new Map<string, { host: string; vcpus: number }>()
      await Promise.all(
        moves.map(async ({ host, vcpus, release, through }) => {
          const [port, id] = [ports[through] as PlacementPort, hosts[host] as string]
          const claim = aClaim({ [id]: { VCPU: vcpus } })
          if ((await granted([port.claim(claim)])) === 0) return
          if (release) await (ports[1 - through] as PlacementPort).release(claim.consumerId)
          else held.set(claim.consumerId, { host: id, vcpus })
        }),
      )
      for (const [index, id] of hosts.entries()) {
        const sum = [...held.values()].filter(one => one.host === id).reduce((total, one) => total + one.vcpus, 0)
        assert.ok(sum <= (index === 0 ? 5 : 3), `${sum} VCPU held`)
        for (const port of ports) assert.deepEqual(await port.usages(id), { VCPU: sum })
        assert.equal(
          (await world.port.consumersOf(id)).length,
          [...held.values()].filter(one => one.host === id).length,
        )
      }
    }),
    { numRuns: 25 },
  )
})

test('a restart finds everything as it was', async () => {
  const own = await openWorld()
  try {
    const host = await aHost(own.port, 4)
    const claim = aClaim({ [host]: { VCPU: 3 } })
    await own.port.setTraits(host, ['COMPUTE_NODE', 'CUSTOM_KEPT'])
    await own.port.claim(claim)
    const before = await own.port.provider(host)
    const again = await own.restart()
    assert.deepEqual(await again.port.provider(host), before)
    assert.deepEqual(await again.port.usages(host), { VCPU: 3 })
    assert.deepEqual(await again.port.traits(host), ['COMPUTE_NODE', 'CUSTOM_KEPT'])
    await assert.rejects(again.port.claim(aClaim({ [host]: { VCPU: 2 } })), NoCapacity.is)
    await again.port.release(claim.consumerId)
    await again.port.claim(aClaim({ [host]: { VCPU: 4 } }))
  } finally {
    await own.remove()
  }
})
