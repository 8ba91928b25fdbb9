/**
 * What Placement costs: candidates over many hosts, claims, releases, start. Prints; asserts nothing.
 *
 *     node test/placement/bench.ts [hosts]
 */
import { newUuid } from '#base'
import { standardTraits } from '#model'
import { aClaim, aGroup, anInventory, aQuery, openWorld } from './fixtures.ts'

const hosts = Number(process.argv[2] ?? 1000)
const traits = standardTraits.filter(name => name !== 'COMPUTE_STATUS_DISABLED').slice(0, 100)
const amounts = { VCPU: 1, MEMORY_MB: 512, DISK_GB: 1 }
const query = aQuery([
  aGroup(amounts, {
    required: [['COMPUTE_NODE'], ['COMPUTE_IMAGE_TYPE_QCOW2']],
    forbidden: ['COMPUTE_STATUS_DISABLED'],
  }),
])

const world = await openWorld()
const { port } = world
const ids = Array.from({ length: hosts }, newUuid)

/** The median of five runs, in milliseconds per call. */
async function measure(what: string, calls: number, call: (n: number) => Promise<unknown>): Promise<void> {
  const runs: number[] = []
  for (let run = 0; run < 5; run++) {
    const start = performance.now()
    for (let n = 0; n < calls; n++) await call(run * calls + n)
    runs.push((performance.now() - start) / calls)
  }
  console.log(`${what.padEnd(40)} ${runs.sort((a, b) => a - b)[2]?.toFixed(3)} ms`)
}

const start = performance.now()
for (const id of ids) {
  await port.ensureProvider({ id, name: id })
  await port.setInventories(id, {
    VCPU: anInventory(64, { allocationRatio: 16 }),
    MEMORY_MB: anInventory(262_144),
    DISK_GB: anInventory(20_000),
  })
  await port.setTraits(id, traits)
}
console.log(
  `${hosts} hosts with 3 classes and ${traits.length} traits, ${((performance.now() - start) / hosts).toFixed(2)} ms each`,
)

const consumers: string[] = []
const claim = (n: number) => {
  const wanted = aClaim({ [ids[n % hosts] ?? '']: { VCPU: 1, MEMORY_MB: 1, DISK_GB: 1 } })
  consumers.push(wanted.consumerId)
  return port.claim(wanted)
}
await measure('candidates, all', 20, () => port.candidates(query))
await measure('candidates, limit 1000', 20, () => port.candidates({ ...query, limit: 1000 }))
await measure('explain, nobody fits', 5, () => port.explain(aQuery([aGroup({ VCPU: 100_000 })])))
await measure('claim', 1000, claim)
await measure('release', 1000, n => port.release(consumers[n] ?? ''))
await measure('candidates limit 1000 + claim + release', 50, async n => {
  await port.candidates({ ...query, limit: 1000 })
  await claim(n)
  await port.release(consumers.at(-1) ?? '')
})
const before = performance.now()
await (await world.restart()).port.candidates({ ...query, limit: 1 })
console.log(`start on these hosts ${(performance.now() - before).toFixed(0)} ms`)
await world.remove()
