import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import type { SchedulingResult } from '#model'
import { AllocationUpdateFailed, aFlavor, aGroup, aHost, anImage, aSpec, refusalDetails } from '#scheduler'
import { type Cloud, openCloud } from './fixtures.ts'

let cloud: Cloud
const opened: Cloud[] = []
beforeEach(async () => {
  cloud = await openCloud()
  opened.push(cloud)
})
after(async () => {
  for (const one of opened) await one.close()
})

const node = (number: number, set: Parameters<typeof aHost>[0] = {}) =>
  aHost({ host: `host${number}`, nodeId: nodeId(number), ...set })
const nodeId = (number: number) => `00000000-0000-4000-8000-00000000000${number}`
const newIds = (count: number) => Array.from({ length: count }, () => instanceId(newUuid()))
const hostsOf = (result: SchedulingResult) =>
  result.ok ? result.selections.map(alternates => alternates.map(({ host }) => host)) : result.message

test('a host is chosen and claimed, alternates are not claimed', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2, { ramFreeMiB: 1000 }))
  const [id = instanceId('')] = newIds(1)
  const result = await cloud.scheduler().selectDestinations(aSpec(), [id])
  assert.deepEqual(hostsOf(result), [['host1', 'host2']])
  const { allocations, projectId, consumerType } = await cloud.placement.consumer(id)
  assert.deepEqual(allocations, { [nodeId(1)]: { VCPU: 1, MEMORY_MB: 2048, DISK_GB: 20 } })
  assert.deepEqual([projectId, consumerType], ['project', 'INSTANCE'])
  assert.deepEqual(await cloud.placement.usages(nodeId(2)), { VCPU: 0, MEMORY_MB: 0, DISK_GB: 0 })
})

test('no alternates where nobody would use them', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2))
  const result = await cloud.scheduler().selectDestinations(aSpec(), newIds(1), { wantsAlternates: false })
  assert.deepEqual(hostsOf(result), [['host1']])
})

test('nothing fits: every host says why, the disabled one in words', async () => {
  await cloud.addHost(node(1), { VCPU: 64, MEMORY_MB: 24_000, DISK_GB: 1000 })
  await cloud.addHost(node(2, { isEnabled: false, disabledReason: 'maintenance' }), {
    VCPU: 64,
    MEMORY_MB: 999_999,
    DISK_GB: 9999,
  })
  await cloud.addHost(node(3, { isUp: false }), { VCPU: 64, MEMORY_MB: 999_999, DISK_GB: 9999 })
  const result = await cloud
    .scheduler()
    .selectDestinations(aSpec({ flavor: aFlavor({ memoryMiB: 999_424 }) }), newIds(1))
  assert.ok(!result.ok)
  assert.match(
    result.message,
    /^There are not enough hosts available\. host2: ComputeFilter: the compute service is disabled \(maintenance\); host3: /,
  )
  assert.ok(`No valid host was found. ${result.message}`.length <= 255)
  const details = refusalDetails(result.refusals)
  assert.match(details, /^host1: Placement: MEMORY_MB: 999424 needed, 24000 free/m)
  assert.match(details, /^host3: ComputeFilter: the compute service is down/m)
  assert.equal(result.refusals.length, 3)
})

test('a multi-create is all or nothing: what was claimed is released', async () => {
  await cloud.addHost(node(1), { VCPU: 2, MEMORY_MB: 32_768, DISK_GB: 1000 })
  const ids = newIds(3)
  const result = await cloud.scheduler().selectDestinations(aSpec(), ids)
  assert.equal(
    hostsOf(result),
    'There are not enough hosts available. host1: Placement: VCPU: 1 needed, 0 left of 2 after 2 for this request',
  )
  assert.deepEqual(await cloud.placement.consumersOf(nodeId(1)), [])
  const fits = await cloud.scheduler().selectDestinations(aSpec(), ids.slice(0, 2))
  assert.deepEqual(hostsOf(fits), [['host1'], ['host1']])
})

test('a claim lost to somebody faster goes to the next host', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2, { ramFreeMiB: 20_000 }))
  await cloud.addHost(node(3, { ramFreeMiB: 10_000 }))
  cloud.beforeClaim(claim =>
    cloud.placement.claim({ ...claim, consumerId: newUuid(), allocations: { [nodeId(1)]: { MEMORY_MB: 32_000 } } }),
  )
  const result = await cloud.scheduler().selectDestinations(aSpec(), newIds(1))
  assert.deepEqual(hostsOf(result), [['host2', 'host3']])
  assert.deepEqual(
    cloud.decisions[0]?.lostClaims.map(({ host, reason }) => [host, reason.split(',')[0]]),
    [['host1', 'MEMORY_MB: 2048 needed']],
  )
})

test('a provider that is gone since it was a candidate is passed over', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2, { ramFreeMiB: 1000 }))
  cloud.beforeClaim(() => cloud.placement.deleteProvider(nodeId(1)))
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(aSpec(), newIds(1))), [['host2']])
})

test('when every candidate was lost, candidates are asked for again', async () => {
  await cloud.addHost(node(1))
  cloud.beforeClaim(async claim => {
    await cloud.placement.claim({
      ...claim,
      consumerId: newUuid(),
      allocations: { [nodeId(1)]: { MEMORY_MB: 32_000 } },
    })
    await cloud.addHost(node(2))
  })
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(aSpec(), newIds(1))), [['host2']])
  assert.equal(cloud.queries.length, 2)
})

test('an instance that holds other allocations is a fault, not a lack of hosts', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2))
  const ids = newIds(2)
  const claim = {
    projectId: 'p',
    userId: 'u',
    consumerType: 'INSTANCE' as const,
    allocations: { [nodeId(2)]: { VCPU: 7 } },
  }
  await cloud.placement.claim({ ...claim, consumerId: ids[1] ?? '' })
  await assert.rejects(cloud.scheduler().selectDestinations(aSpec(), ids), AllocationUpdateFailed.is)
  assert.deepEqual(await cloud.placement.consumersOf(nodeId(1)), [])
  assert.deepEqual(await cloud.placement.consumersOf(nodeId(2)), [ids[1]])
})

test('a zone is asked of placement by its aggregates', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2, { ramFreeMiB: 1000 }))
  const uuid = newUuid()
  cloud.hosts.addAggregate({ id: 1, uuid, name: 'w', metadata: { availability_zone: 'west' }, hosts: ['host2'] })
  await cloud.placement.setAggregates(nodeId(2), [uuid])
  const result = await cloud.scheduler().selectDestinations(aSpec({ requestedZone: 'west' }), newIds(1))
  assert.ok(result.ok)
  assert.deepEqual([result.selections[0]?.[0]?.host, result.selections[0]?.[0]?.zone], ['host2', 'west'])
  assert.deepEqual(cloud.decisions[0]?.requestFilters, [
    { filter: 'map_az_to_placement_aggregate', says: 'zone west: aggregates w' },
    { filter: 'compute_status_filter', says: 'not COMPUTE_STATUS_DISABLED' },
  ])
})

test('a destination confines the query to its node; only that node is explained', async () => {
  await cloud.addHost(node(1))
  await cloud.addHost(node(2))
  const destination = { host: 'host2', node: null, isForced: false }
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(aSpec({ destination }), newIds(1))), [['host2']])
  assert.equal(cloud.queries[0]?.groups[0]?.inTree, nodeId(2))
  const spec = aSpec({ destination, flavor: aFlavor({ vcpus: 65 }) })
  const refused = await cloud.scheduler().selectDestinations(spec, newIds(1))
  assert.deepEqual(
    refused.refusals.map(({ host, filter }) => [host, filter]),
    [['host2', 'Placement']],
  )
})

test('a destination that nobody answers to', async () => {
  const spec = aSpec({ destination: { host: 'nowhere', node: null, isForced: true } })
  assert.equal(
    hostsOf(await cloud.scheduler().selectDestinations(spec, newIds(1))),
    'No such host - host: nowhere node: None',
  )
})

test('a forced host that is down is taken, a disabled one is not: placement leaves it out', async () => {
  await cloud.addHost(node(1, { isUp: false }))
  await cloud.addHost(node(2, { isEnabled: false }))
  const forced = (host: string) => aSpec({ destination: { host, node: null, isForced: true } })
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(forced('host1'), newIds(1))), [['host1']])
  const refused = await cloud.scheduler().selectDestinations(forced('host2'), newIds(1))
  assert.equal(
    hostsOf(refused),
    'There are not enough hosts available. host2: ComputeFilter: the compute service is disabled',
  )
})

test('a trait that nobody ever had is no fault', async () => {
  await cloud.addHost(node(1))
  const spec = aSpec({ flavor: aFlavor({ extraSpecs: { 'trait:CUSTOM_NOBODY_HAS_IT': 'required' } }) })
  const message = hostsOf(await cloud.scheduler().selectDestinations(spec, newIds(1)))
  assert.match(String(message), /^There are not enough hosts available\. Placement: .*CUSTOM_NOBODY_HAS_IT/)
})

test('pinned CPUs on a host that reports only shared ones', async () => {
  await cloud.addHost(node(1))
  const spec = aSpec({ flavor: aFlavor({ extraSpecs: { 'hw:cpu_policy': 'dedicated' } }) })
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(spec, newIds(1))), [['host1']])
  assert.deepEqual(
    cloud.queries.map(({ groups }) => Object.keys(groups[0]?.resources ?? {})[0]),
    ['PCPU', 'VCPU'],
  )
})

test('a group policy without its filter is refused', async () => {
  await cloud.addHost(node(1))
  const scheduler = cloud.scheduler({ filter_scheduler: { enabled_filters: ['ComputeFilter'] } })
  const result = await scheduler.selectDestinations(aSpec({ serverGroup: aGroup('affinity', []) }), newIds(1))
  assert.equal(hostsOf(result), 'ServerGroup policy is not supported: ServerGroupAffinityFilter not configured')
})

test('a tenant that must have an aggregate and has none', async () => {
  const options = { limit_tenants_to_placement_aggregate: true, placement_aggregate_required_for_tenants: true }
  const result = await cloud.scheduler({ scheduler: options }).selectDestinations(aSpec(), newIds(1))
  assert.equal(hostsOf(result), 'No hosts available for tenant')
})

test('a rebuild asks the image filters about its own host and claims nothing', async () => {
  await cloud.addHost(node(1, { isUp: false }))
  const destination = { host: 'host1', node: 'host1', isForced: true }
  const check = (architecture: string) =>
    aSpec({ destination, hints: { _nova_check_type: ['rebuild'] }, image: anImage({ hw_architecture: architecture }) })
  const ids = newIds(1)
  assert.deepEqual(hostsOf(await cloud.scheduler().selectDestinations(check('x86_64'), ids)), [['host1']])
  const refused = await cloud.scheduler().selectDestinations(check('s390x'), ids)
  assert.match(String(hostsOf(refused)), /host1: ImagePropertiesFilter: the image needs s390x/)
  assert.equal(cloud.queries.length, 0)
  assert.deepEqual(await cloud.placement.consumersOf(nodeId(1)), [])
})

test('the decision tells what was asked, who fell out and what the best weighed', async () => {
  await cloud.addHost(node(1, { isUp: false }))
  await cloud.addHost(node(2, { numIoOps: 4 }))
  await cloud.addHost(node(3))
  const ids = newIds(1)
  const result = await cloud.scheduler().selectDestinations(aSpec(), ids)
  const [decision] = cloud.decisions
  assert.deepEqual([decision?.instanceIds, decision?.result, decision?.candidateCount], [ids, result, 3])
  assert.deepEqual(
    decision?.refusals.map(({ host, filter }) => [host, filter]),
    [['host1', 'ComputeFilter']],
  )
  const best = decision?.choices[0]?.best.map(({ host, weight, parts }) => [
    host.host,
    weight,
    parts['IoOpsWeigher'] ?? 0,
  ])
  assert.deepEqual(best, [
    ['host3', 3, 0],
    ['host2', 2, -1],
  ])
})
