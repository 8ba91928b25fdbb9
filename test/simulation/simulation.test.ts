import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiCloud, startCloud } from '../api/harness.ts'
import { Dice } from '../chaos/dice.ts'
import { deeds, type Seen, type Stage } from './deeds.ts'
import { checkInvariants } from './invariants.ts'
import { VirtualTime } from './virtual-time.ts'

/**
 * A cloud with room and one that is nearly full. `SIMULATION_SEED=n SIMULATION_STEPS=n SIMULATION_HOSTS=n node --test
 * test/simulation/` goes through one of them again, or through more of it.
 */
const asked = (name: string, standard: number): number => Number(process.env[`SIMULATION_${name}`] ?? standard)
const isAsked = process.env['SIMULATION_HOSTS'] !== undefined
const clouds = isAsked
  ? [{ hostCount: asked('HOSTS', 200), steps: asked('STEPS', 100), seed: asked('SEED', 1) }]
  : [
      { hostCount: 200, steps: asked('STEPS', 50), seed: asked('SEED', 20_261_128) },
      { hostCount: 12, steps: asked('STEPS', 80), seed: asked('SEED', 20_261_129) },
    ]
const deedsPerStep = 5

const open = (hosts: readonly string[], time: VirtualTime): Promise<ApiCloud> =>
  startCloud({
    hosts,
    clock: time.clock,
    hostSize: { vcpus: 4, memoryMiB: 4096, diskGiB: 60 },
    quotas: { instances: -1, cores: -1, ram: -1, server_group_members: -1 },
    config: { DEFAULT: { cpu_allocation_ratio: 1.5, shelved_offload_time: 0 } },
  })

async function furnish(cloud: ApiCloud, hosts: readonly string[], dice: Dice): Promise<Stage> {
  const flavorIds = []
  for (const [name, ram, vcpus, disk] of [
    ['small', 512, 1, 2],
    ['medium', 1024, 2, 5],
    ['large', 2048, 4, 20],
  ] as const)
    flavorIds.push(await cloud.newFlavor({ name, ram, vcpus, disk }))
  const groupIds = []
  for (const policy of ['affinity', 'anti-affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity']) {
    const rules = policy === 'anti-affinity' && groupIds.length === 2 ? { rules: { max_server_per_host: 2 } } : {}
    const server_group = { name: policy, policy, ...rules }
    const made = await cloud.request('POST', '/os-server-groups', { version: '2.90', body: { server_group } })
    groupIds.push(made.expect(200).body.server_group.id)
  }
  const west = await cloud.request('POST', '/os-aggregates', {
    as: cloud.admin,
    body: { aggregate: { name: 'west', availability_zone: 'west' } },
  })
  const { id } = west.expect(200).body.aggregate
  for (const host of hosts.filter((_, i) => i % 4 === 0)) {
    const add = { body: { add_host: { host } }, as: cloud.admin }
    ;(await cloud.request('POST', `/os-aggregates/${id}/action`, add)).expect(200)
  }
  return { cloud, dice, flavorIds, groupIds, hosts, dead: new Set(), disabled: new Set(), diary: [] }
}

async function seen(cloud: ApiCloud): Promise<readonly Seen[]> {
  const list = await cloud.request('GET', '/servers/detail?all_tenants=1', { version: '2.90', as: cloud.admin })
  return list.expect(200).body.servers.map((one: Readonly<Record<string, string | null>>) => ({
    id: one['id'],
    status: one['status'],
    taskState: one['OS-EXT-STS:task_state'],
    host: one['OS-EXT-SRV-ATTR:host'],
  }))
}

async function step(stage: Stage, time: VirtualTime): Promise<number> {
  const { cloud, dice } = stage
  const servers = await seen(cloud)
  const chosen = Array.from({ length: deedsPerStep }, () => dice.weighted(deeds))
  await Promise.all(chosen.map(one => one?.deed(stage, servers)))
  await time.quiet(cloud.store)
  // Long enough for a dead host to be known as dead, at times.
  await time.pass(dice.chance(0.3) ? 90_000 : 5000)
  await time.quiet(cloud.store)
  return (await checkInvariants(stage)).servers
}

for (const { hostCount, steps, seed } of clouds) {
  test(`${steps} steps of ${deedsPerStep} random deeds on ${hostCount} hosts (seed ${seed})`, async t => {
    const time = new VirtualTime()
    const hosts = Array.from({ length: hostCount }, (_, i) => `host-${i + 1}`)
    const cloud = await open(hosts, time)
    t.after(() => cloud.close())
    const stage = await furnish(cloud, hosts, new Dice(seed))
    let most = 0
    for (let number = 1; number <= steps; number++) {
      const mark = stage.diary.length
      try {
        most = Math.max(most, await step(stage, time))
      } catch (error) {
        t.diagnostic(`step ${number}, seed ${seed}:\n${stage.diary.slice(mark).join('\n')}`)
        throw error
      }
    }
    const ends = new Map<string, number>()
    for (const { status } of await seen(cloud)) ends.set(status, (ends.get(status) ?? 0) + 1)
    const atTheEnd = [...ends].map(([status, count]) => `${count} ${status}`).join(', ')
    t.diagnostic(`${stage.diary.length} deeds, up to ${most} servers at a time; at the end ${atTheEnd}`)
    assert.ok(most > 20, `only ${most} servers at a time`)
  })
}
