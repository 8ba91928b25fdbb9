import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { anInventory } from './fixtures.ts'
import { type Service, startService } from './http.ts'

/**
 * One cloud for all tests: a compute node with two network cards below it, a second node without disk that may use a
 * share, and the share.
 */
let service: Service
const [node, nic1, nic2, diskless, share] = [newUuid(), newUuid(), newUuid(), newUuid(), newUuid()]
const [racks, shares] = [newUuid(), newUuid()]
before(async () => {
  service = await startService()
  const { port } = service
  await port.ensureProvider({ id: node, name: 'node' })
  for (const id of [nic1, nic2]) {
    await port.ensureProvider({ id, name: `nic ${id}`, parentId: node })
    await port.setInventories(id, { SRIOV_NET_VF: anInventory(4) })
  }
  await port.setInventories(node, { VCPU: anInventory(8), DISK_GB: anInventory(100) })
  await port.setTraits(node, ['COMPUTE_NODE', 'HW_CPU_X86_AVX'])
  await port.setTraits(nic1, ['HW_NIC_SRIOV', 'CUSTOM_PHYSNET1'])
  await port.setTraits(nic2, ['HW_NIC_SRIOV', 'CUSTOM_PHYSNET2'])
  await port.ensureProvider({ id: diskless, name: 'diskless' })
  await port.setInventories(diskless, { VCPU: anInventory(16) })
  await port.ensureProvider({ id: share, name: 'share' })
  await port.setInventories(share, { DISK_GB: anInventory(1000) })
  await port.setTraits(share, ['MISC_SHARES_VIA_AGGREGATE'])
  await port.setAggregates(share, [shares])
  await port.setAggregates(diskless, [shares])
  await port.setAggregates(node, [racks])
})
after(() => service.remove())

interface CandidatesBody {
  readonly allocation_requests: {
    allocations: Record<string, { resources: object }>
    mappings?: Record<string, string[]>
  }[]
  readonly provider_summaries: Record<
    string,
    { resources: object; traits?: string[]; parent_provider_uuid?: string | null; root_provider_uuid?: string }
  >
}

const ask = (minor: number, query: string) => service.api(minor).get(`/allocation_candidates?${query}`)
const names = new Map([
  [node, 'node'],
  [nic1, 'nic1'],
  [nic2, 'nic2'],
  [diskless, 'diskless'],
  [share, 'share'],
])

/** The providers of each candidate by name, or the refusal. */
async function found(minor: number, query: string): Promise<string[] | string> {
  const { status, body, detail } = await ask(minor, query)
  if (status !== 200) return detail
  const { allocation_requests: requests } = body as CandidatesBody
  const lists = requests.map(request =>
    Array.isArray(request.allocations)
      ? request.allocations.map(a => a.resource_provider.uuid)
      : Object.keys(request.allocations),
  )
  return lists
    .map(ids =>
      ids
        .map(id => names.get(id))
        .sort()
        .join('+'),
    )
    .sort()
}

test('the answer’s form: list then dictionary, traits 1.17, all classes 1.27, trees 1.29, mappings 1.34', async () => {
  const shown = async (minor: number) => {
    const body = (await ask(minor, 'resources=VCPU:4,DISK_GB:10')).body as CandidatesBody
    const request = body.allocation_requests.find(r => JSON.stringify(r.allocations).includes(node))
    return { request, summary: body.provider_summaries[node], nic: body.provider_summaries[nic1] }
  }
  const resources = { VCPU: 4, DISK_GB: 10 }
  const summary = { resources: { VCPU: { capacity: 8, used: 0 }, DISK_GB: { capacity: 100, used: 0 } } }
  const traits = ['COMPUTE_NODE', 'HW_CPU_X86_AVX']
  assert.deepEqual(await shown(10), {
    request: { allocations: [{ resource_provider: { uuid: node }, resources }] },
    summary,
    nic: undefined,
  })
  assert.deepEqual(await shown(12), { request: { allocations: { [node]: { resources } } }, summary, nic: undefined })
  assert.deepEqual((await shown(17)).summary, { ...summary, traits })
  const now = await shown(34)
  assert.deepEqual(now.request, { allocations: { [node]: { resources } }, mappings: { '': [node] } })
  assert.deepEqual(now.summary, { ...summary, traits, parent_provider_uuid: null, root_provider_uuid: node })
  assert.deepEqual(now.nic, {
    resources: { SRIOV_NET_VF: { capacity: 4, used: 0 } },
    traits: ['CUSTOM_PHYSNET1', 'HW_NIC_SRIOV'],
    parent_provider_uuid: node,
    root_provider_uuid: node,
  })
  const classes = async (minor: number) => {
    const body = (await ask(minor, 'resources=VCPU:1')).body as CandidatesBody
    return Object.keys(body.provider_summaries[node]?.resources ?? {})
  }
  assert.deepEqual([await classes(26), await classes(27)], [['VCPU'], ['VCPU', 'DISK_GB']])
})

test('a share serves those in its aggregate', async () => {
  assert.deepEqual(await found(39, 'resources=VCPU:1,DISK_GB:10'), ['diskless+share', 'node'])
  assert.deepEqual(await found(39, 'resources=DISK_GB:500'), ['share'])
})

test('two providers of one tree in a candidate only from 1.29', async () => {
  const query = 'resources=VCPU:1,SRIOV_NET_VF:1'
  assert.deepEqual([await found(28, query), await found(29, query)], [[], ['nic1+node', 'nic2+node']])
})

test('limit from 1.16', async () => {
  assert.match(String(await found(15, 'resources=VCPU:1&limit=1')), /'limit' was unexpected/)
  assert.equal((await found(16, 'resources=VCPU:1&limit=1')).length, 1)
  const { body } = await ask(39, 'resources=VCPU:1,SRIOV_NET_VF:1&limit=1')
  assert.equal(Object.keys((body as CandidatesBody).provider_summaries).length, 3)
  assert.equal((await ask(39, 'resources=VCPU:1&limit=0')).status, 400)
})

test('traits: required 1.17, forbidden 1.22, any of several 1.39; spread over the providers used', async () => {
  assert.equal((await ask(16, 'resources=VCPU:1&required=COMPUTE_NODE')).status, 400)
  assert.deepEqual(await found(17, 'resources=VCPU:1&required=COMPUTE_NODE'), ['node'])
  assert.equal((await ask(21, 'resources=VCPU:1&required=!COMPUTE_NODE')).status, 400)
  assert.deepEqual(await found(22, 'resources=VCPU:1&required=!COMPUTE_NODE'), ['diskless'])
  assert.deepEqual(await found(39, 'resources=VCPU:1,SRIOV_NET_VF:1&required=COMPUTE_NODE,CUSTOM_PHYSNET1'), [
    'nic1+node',
  ])
  assert.equal((await ask(38, 'resources=SRIOV_NET_VF:1&required=in:CUSTOM_PHYSNET1,COMPUTE_NODE')).status, 400)
  assert.deepEqual(await found(39, 'resources=SRIOV_NET_VF:1&required=in:CUSTOM_PHYSNET1,COMPUTE_NODE'), ['nic1'])
  assert.match(String(await found(39, 'resources=VCPU:1&required=HW_NOPE')), /No such trait\(s\): HW_NOPE/)
  assert.match(
    String(await found(39, 'resources=VCPU:1&required=COMPUTE_NODE,!COMPUTE_NODE')),
    /Conflicting required and forbidden/,
  )
})

test('aggregates: member_of 1.21, repeated 1.24, excluded 1.32; those of the root span its tree', async () => {
  assert.equal((await ask(20, `resources=VCPU:1&member_of=${racks}`)).status, 400)
  assert.deepEqual(await found(21, `resources=VCPU:1&member_of=${racks}`), ['node'])
  assert.deepEqual(await found(29, `resources=SRIOV_NET_VF:1&member_of=${racks}`), ['nic1', 'nic2'])
  const twice = `resources=VCPU:1&member_of=in:${racks},${shares}&member_of=${shares}`
  assert.equal((await ask(23, twice)).status, 400)
  assert.deepEqual(await found(24, twice), ['diskless'])
  assert.deepEqual(await found(32, `resources=VCPU:1&member_of=!${shares}`), ['node'])
  assert.deepEqual(await found(32, `resources=VCPU:1&member_of=!in:${shares},${racks}`), [])
  assert.match(String(await found(32, 'resources=VCPU:1&member_of=x')), /to contain valid UUID/)
})

test('suffixed groups from 1.25, with a policy when there are two', async () => {
  const two = 'resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:1'
  assert.equal((await ask(24, `${two}&group_policy=none`)).status, 400)
  assert.match(String(await found(29, two)), /The "group_policy" parameter is required/)
  assert.deepEqual(await found(29, `${two}&group_policy=isolate`), ['nic1+nic2', 'nic1+nic2'])
  assert.deepEqual(await found(29, `${two}&group_policy=none`), ['nic1', 'nic1+nic2', 'nic1+nic2', 'nic2'])
  assert.deepEqual(await found(29, 'resources1=SRIOV_NET_VF:3&resources2=SRIOV_NET_VF:3&group_policy=none'), [
    'nic1+nic2',
    'nic1+nic2',
  ])
  assert.deepEqual(await found(29, 'resources=VCPU:1&resources1=SRIOV_NET_VF:1&required1=CUSTOM_PHYSNET2'), [
    'nic2+node',
  ])
})

test('suffixes are numbers until 1.32, words from 1.33', async () => {
  assert.equal((await ask(32, 'resources_NET=SRIOV_NET_VF:1')).status, 400)
  const { body } = await ask(34, 'resources_NET=SRIOV_NET_VF:1&required_NET=CUSTOM_PHYSNET1')
  assert.deepEqual((body as CandidatesBody).allocation_requests[0]?.mappings, { _NET: [nic1] })
})

test('in_tree from 1.31 keeps to one tree and out of shares', async () => {
  assert.equal((await ask(30, `resources=VCPU:1&in_tree=${node}`)).status, 400)
  assert.deepEqual(await found(31, `resources=VCPU:1&in_tree=${nic1}`), ['node'])
  assert.deepEqual(await found(31, `resources=VCPU:1,DISK_GB:1&in_tree=${diskless}`), [])
  assert.deepEqual(await found(31, `resources=VCPU:1&in_tree=${newUuid()}`), [])
})

test('root_required from 1.35 looks at the root alone', async () => {
  const query = 'resources=SRIOV_NET_VF:1&root_required='
  assert.equal((await ask(34, `${query}COMPUTE_NODE`)).status, 400)
  assert.deepEqual(await found(35, `${query}COMPUTE_NODE`), ['nic1', 'nic2'])
  assert.deepEqual(await found(35, `${query}!COMPUTE_NODE`), [])
  assert.deepEqual(await found(35, `${query}CUSTOM_PHYSNET1`), [])
  const twice = await ask(35, `${query}COMPUTE_NODE&root_required=HW_CPU_X86_AVX`)
  assert.deepEqual([twice.status, twice.code], [400, 'placement.query.duplicate_key'])
})

test('same_subtree from 1.36 ties groups, and lets one go without resources', async () => {
  const tied = 'resources1=VCPU:1&resources2=SRIOV_NET_VF:1&group_policy=none&same_subtree='
  assert.equal((await ask(35, `${tied}1,2`)).status, 400)
  assert.deepEqual(await found(36, `${tied}1,2`), ['nic1+node', 'nic2+node'])
  const siblings = 'resources1=SRIOV_NET_VF:3&resources2=SRIOV_NET_VF:3&group_policy=none&same_subtree=1,2'
  assert.deepEqual(await found(36, siblings), [])
  const { body } = await ask(36, 'resources1=SRIOV_NET_VF:1&required2=COMPUTE_NODE&group_policy=none&same_subtree=1,2')
  assert.deepEqual(
    (body as CandidatesBody).allocation_requests.map(r => r.mappings),
    [
      { 1: [nic1], 2: [node] },
      { 1: [nic2], 2: [node] },
    ],
  )
  const codes = async (query: string) => (await ask(36, query)).code
  assert.equal(await codes('required1=COMPUTE_NODE&same_subtree=1'), 'placement.query.missing_value')
  assert.equal(await codes('resources1=VCPU:1&required2=COMPUTE_NODE&group_policy=none'), 'placement.query.bad_value')
  assert.equal(await codes('resources1=VCPU:1&same_subtree=1,3'), 'placement.query.bad_value')
})

test('malformed resources say what is wrong', async () => {
  assert.match(String(await found(39, 'resources=VCPU')), /Badly formed resources parameter/)
  assert.match(String(await found(39, 'resources=VCPU:x')), /expected positive integer amount\. Got: x/)
  assert.match(String(await found(39, 'resources=VCPU:0')), /requires amount >= 1/)
  assert.match(
    String(await found(39, 'resources=NOPE:1')),
    /Invalid resource class in resources parameter: No such resource class NOPE/,
  )
  assert.match(String(await found(24, '')), /'resources' is a required property/)
})

test('a claim shows in the next answer', async () => {
  const consumerId = newUuid()
  await service.port.claim({
    consumerId,
    allocations: { [nic1]: { SRIOV_NET_VF: 4 } },
    projectId: 'p',
    userId: 'u',
    consumerType: 'INSTANCE',
  })
  assert.deepEqual(await found(39, 'resources=SRIOV_NET_VF:1'), ['nic2'])
  await service.port.release(consumerId)
  assert.deepEqual(await found(39, 'resources=SRIOV_NET_VF:1'), ['nic1', 'nic2'])
})
