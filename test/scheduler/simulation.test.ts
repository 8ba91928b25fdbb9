import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type InstanceId, instanceId } from '#base'
import type { RequestSpec } from '#model'
import type { SchedulerHost } from '#scheduler'
import { aFlavor, aHost, anImage, aSpec } from '#scheduler'
import { type Cloud, openCloud, randomOf } from './fixtures.ts'

const hostCount = 300
const requestCount = 400
const seed = 20_260_801

const uuid = (kind: number, number: number) =>
  `${kind.toString().padStart(8, '0')}-0000-4000-8000-${number.toString().padStart(12, '0')}`

/** What stands in the cloud after all: to be compared with what placement believes. */
interface Placed {
  readonly id: InstanceId
  readonly nodeId: string
  readonly spec: RequestSpec
}

let cloud: Cloud
before(async () => {
  cloud = await openCloud()
  for (let number = 0; number < hostCount; number++) await cloud.addHost(hostOf(number), totalsOf(number))
  const hosts = cloud.hosts.all.filter((_, number) => number % 3 === 0)
  const west = { id: 1, uuid: uuid(7, 1), name: 'west', metadata: { availability_zone: 'west' } }
  for (const { nodeId } of hosts) await cloud.placement.setAggregates(nodeId, [west.uuid])
  cloud.hosts.addAggregate({ ...west, hosts: hosts.map(({ host }) => host) })
})
after(() => cloud.close())

const totalsOf = (number: number) => ({ VCPU: 8 + (number % 3) * 8, MEMORY_MB: 16_384, DISK_GB: 200 })

function hostOf(number: number): SchedulerHost {
  const { VCPU, MEMORY_MB } = totalsOf(number)
  return aHost({
    host: `host${number}`,
    nodeId: uuid(1, number),
    isEnabled: number % 20 !== 0,
    isUp: number % 30 !== 1,
    vcpusTotal: VCPU,
    cpuAllocationRatio: 1,
    ramTotalMiB: MEMORY_MB,
    ramFreeMiB: MEMORY_MB,
    supportedInstances: [[number % 4 === 0 ? 'aarch64' : 'x86_64', 'kvm', 'hvm']],
  })
}

/** A request as users make them: mostly small, at times with a zone, an architecture or a group. */
function requestOf(number: number, random: () => number, groups: Map<string, Placed[]>): RequestSpec {
  const size = Math.floor(random() * 4)
  const policy = ['affinity', 'anti-affinity'][Math.floor(random() * 8)]
  const groupId = `${policy}-${Math.floor(random() * 10)}`
  const members = groups.get(groupId) ?? []
  return aSpec({
    projectId: `project${number % 5}`,
    flavor: aFlavor({ vcpus: 1 + size, memoryMiB: 1024 << size, rootGiB: 5 + size * 10 }),
    image: anImage(random() < 0.3 ? { hw_architecture: random() < 0.5 ? 'aarch64' : 'x86_64' } : {}),
    requestedZone: random() < 0.2 ? 'west' : null,
    serverGroup:
      policy === undefined
        ? null
        : {
            id: groupId,
            policy,
            maxServerPerHost: 1,
            members: members.map(({ id }) => id),
            hosts: [...new Set(members.map(({ nodeId }) => nodeById(nodeId).host))],
          },
  })
}

function nodeById(nodeId: string): SchedulerHost {
  const host = cloud.hosts.all.find(one => one.nodeId === nodeId)
  if (host === undefined) throw new Error(`${nodeId} is no host`)
  return host
}

test(`${requestCount} requests of random kinds on ${hostCount} hosts, four at a time (seed ${seed})`, async () => {
  const random = randomOf(seed)
  const groups = new Map<string, Placed[]>()
  const placed: Placed[] = []
  const refused: string[] = []
  const scheduler = cloud.scheduler({ filter_scheduler: { host_subset_size: 2 } }, seed)
  let born = 0

  const place = async (spec: RequestSpec, count: number): Promise<Placed[]> => {
    const ids = Array.from({ length: count }, () => instanceId(uuid(2, born++)))
    const result = await scheduler.selectDestinations(spec, ids)
    if (!result.ok) {
      refused.push(result.message)
      return []
    }
    return result.selections.flatMap(([selection], index) => {
      const id = ids[index]
      if (selection === undefined || id === undefined) throw new Error('an instance without a selection')
      return [{ id, nodeId: selection.nodeId, spec }]
    })
  }

  for (let number = 0; number < requestCount; number += 4) {
    const specs = [0, 1, 2, 3].map(offset => requestOf(number + offset, random, groups))
    // Of one group only one request at a time, as the late check on the hosts would have it.
    const distinct = specs.filter(
      (spec, index) =>
        specs.findIndex(other => other.serverGroup?.id === spec.serverGroup?.id) === index || spec.serverGroup === null,
    )
    const counts = distinct.map(() => 1 + Math.floor(random() * 4))
    const landed = (await Promise.all(distinct.map((spec, index) => place(spec, counts[index] ?? 1)))).flat()
    for (const one of landed) {
      const amounts = (await cloud.placement.consumer(one.id)).allocations[one.nodeId] ?? {}
      cloud.hosts.land(one.nodeId, one.id, amounts)
      placed.push(one)
      const group = one.spec.serverGroup?.id
      if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), one])
    }
  }

  assert.ok(placed.length > 300, `${placed.length} placed`)
  await checkPlacement(placed)
  checkRules(placed, groups)
  for (const message of refused) assert.match(message, /^There are not enough hosts available\. \S+/)
})

/** Placement holds exactly the claims of the servers placed, and no provider is overfull. */
async function checkPlacement(placed: readonly Placed[]): Promise<void> {
  for (const [number, { nodeId }] of cloud.hosts.all.entries()) {
    const here = placed.filter(one => one.nodeId === nodeId)
    assert.deepEqual([...(await cloud.placement.consumersOf(nodeId))].sort(), here.map(({ id }) => id).sort())
    const usages = await cloud.placement.usages(nodeId)
    const totals: Readonly<Record<string, number>> = totalsOf(number)
    for (const [name, used] of Object.entries(usages))
      assert.ok(used <= (totals[name] ?? 0), `${nodeId}: ${name} ${used}`)
    assert.equal(
      usages['VCPU'],
      here.reduce((sum, { spec }) => sum + spec.flavor.vcpus, 0),
    )
  }
}

/** Nobody stands where a filter or the request forbade it. */
function checkRules(placed: readonly Placed[], groups: ReadonlyMap<string, readonly Placed[]>): void {
  for (const { nodeId, spec } of placed) {
    const host = nodeById(nodeId)
    assert.ok(host.isEnabled && host.isUp, `${host.host} takes no servers`)
    const architecture = spec.image?.properties['hw_architecture']
    if (architecture !== undefined) assert.equal(host.supportedInstances[0]?.[0], architecture)
    if (spec.requestedZone !== null) assert.equal(host.aggregates[0]?.metadata['availability_zone'], spec.requestedZone)
  }
  for (const [id, members] of groups) {
    const nodes = new Set(members.map(({ nodeId }) => nodeId)).size
    assert.equal(nodes, id.startsWith('anti') ? members.length : 1, id)
  }
}
