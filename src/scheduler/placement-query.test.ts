import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CandidateQuery } from '#cloud'
import type { RequestSpec } from '#model'
import { schedulerDefaults, schedulerOptions } from './options.ts'
import { candidateQuery, fallbackQuery, type QueryOptions } from './placement-query.ts'
import { aFlavor, anImage, aSpec } from './samples.ts'

const options = schedulerDefaults
const query = (spec: Partial<RequestSpec>, how: Partial<QueryOptions> = {}): CandidateQuery =>
  candidateQuery(aSpec(spec), { options, ...how })
const flavor = (extraSpecs: Record<string, string>, vcpus = 4) => ({ flavor: aFlavor({ vcpus, extraSpecs }) })
const resources = (spec: Partial<RequestSpec>) => query(spec).groups.find(({ suffix }) => suffix === '')?.resources
const traits = (spec: Partial<RequestSpec>) =>
  query(spec)
    .groups.find(({ suffix }) => suffix === '')
    ?.required.map(([trait]) => trait)

const amountRows: readonly [when: string, spec: Partial<RequestSpec>, amounts: Record<string, number>][] = [
  ['plain flavor', {}, { VCPU: 1, MEMORY_MB: 2048, DISK_GB: 20 }],
  [
    'swap counts in whole GiB, ephemeral too',
    { flavor: aFlavor({ rootGiB: 10, ephemeralGiB: 5, swapMiB: 1025 }) },
    { VCPU: 1, MEMORY_MB: 2048, DISK_GB: 17 },
  ],
  ['boot from volume', { isVolumeBacked: true }, { VCPU: 1, MEMORY_MB: 2048 }],
  ['a class given as 0 is left out', flavor({ 'resources:VCPU': '0' }), { MEMORY_MB: 2048, DISK_GB: 20 }],
  [
    'bare metal',
    flavor({
      'resources:VCPU': '0',
      'resources:MEMORY_MB': '0',
      'resources:DISK_GB': '0',
      'resources:CUSTOM_METAL': '1',
    }),
    { CUSTOM_METAL: 1 },
  ],
  [
    'an amount that is no number is ignored',
    flavor({ 'resources:VGPU': 'some' }),
    { VCPU: 4, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
  ['dedicated CPUs', flavor({ 'hw:cpu_policy': 'dedicated' }), { PCPU: 4, MEMORY_MB: 2048, DISK_GB: 20 }],
  [
    'dedicated CPUs and one for the emulator',
    flavor({ 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' }),
    { PCPU: 5, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
  [
    'mixed CPUs',
    flavor({ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0' }),
    { PCPU: 3, VCPU: 1, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
  [
    'mixed CPUs by list',
    flavor({ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-2,^1' }),
    { PCPU: 2, VCPU: 2, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
  [
    'memory encryption',
    flavor({ 'hw:mem_encryption': 'True' }),
    { MEM_ENCRYPTION_CONTEXT: 1, VCPU: 4, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
  [
    'persistent memory',
    flavor({ 'hw:pmem': '4gb,4gb,big' }),
    { CUSTOM_PMEM_NAMESPACE_4GB: 2, CUSTOM_PMEM_NAMESPACE_BIG: 1, VCPU: 4, MEMORY_MB: 2048, DISK_GB: 20 },
  ],
]
for (const [when, spec, amounts] of amountRows) {
  test(`amounts: ${when}`, () => assert.deepEqual(resources(spec), amounts))
}

const traitRows: readonly [when: string, spec: Partial<RequestSpec>, required: string[]][] = [
  [
    'flavor and image',
    { ...flavor({ 'trait:HW_B': 'required' }), image: anImage({ 'trait:CUSTOM_A': 'required' }) },
    ['CUSTOM_A', 'HW_B'],
  ],
  ['other words are ignored', flavor({ 'trait:HW_B': 'wanted' }), []],
  [
    'TPM',
    flavor({ 'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb' }),
    ['COMPUTE_SECURITY_TPM_2_0', 'COMPUTE_SECURITY_TPM_CRB'],
  ],
  [
    'TPM of the default model',
    flavor({ 'hw:tpm_version': '1.2' }),
    ['COMPUTE_SECURITY_TPM_1_2', 'COMPUTE_SECURITY_TPM_TIS'],
  ],
  ['SEV-ES', flavor({ 'hw:mem_encryption': '1', 'hw:mem_encryption_model': 'amd-sev-es' }), ['HW_CPU_X86_AMD_SEV_ES']],
  ['secure boot', { image: anImage({ os_secure_boot: 'required' }) }, ['COMPUTE_SECURITY_UEFI_SECURE_BOOT']],
  ['address space', flavor({ 'hw:maxphysaddr_mode': 'emulate' }), ['COMPUTE_ADDRESS_SPACE_EMULATED']],
  [
    'stateless firmware',
    { image: anImage({ hw_firmware_stateless: 'true' }) },
    ['COMPUTE_SECURITY_STATELESS_FIRMWARE'],
  ],
  ['PCI by socket', flavor({ 'hw:pci_numa_affinity_policy': 'socket' }), ['COMPUTE_SOCKET_PCI_NUMA_AFFINITY']],
  ['threads', flavor({ 'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'require' }), ['HW_CPU_HYPERTHREADING']],
]
for (const [when, spec, required] of traitRows) {
  test(`traits: ${when}`, () => assert.deepEqual(traits(spec), required))
}

test('a forbidden trait and threads of their own', () => {
  const spec = flavor({ 'trait:HW_X': 'forbidden', 'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'isolate' })
  assert.deepEqual(query(spec).groups[0]?.forbidden, ['HW_CPU_HYPERTHREADING', 'HW_X'])
})

test('suffixed groups keep their own resources and traits', () => {
  const specs = {
    'resources_GPU:VGPU': '1',
    'trait_GPU:CUSTOM_FAST': 'required',
    'resources2:SRIOV_NET_VF': '1',
    group_policy: 'isolate',
  }
  const { groups, groupPolicy } = query(flavor(specs))
  assert.deepEqual(
    groups.map(({ suffix, resources: amounts, required }) => [suffix, amounts, required]),
    [
      ['', { VCPU: 4, MEMORY_MB: 2048, DISK_GB: 20 }, []],
      ['2', { SRIOV_NET_VF: 1 }, []],
      ['_GPU', { VGPU: 1 }, [['CUSTOM_FAST']]],
    ],
  )
  assert.equal(groupPolicy, 'isolate')
})

test('two groups of a flavor without a policy are left for placement to refuse', () => {
  assert.equal(query(flavor({ 'resources1:VGPU': '1', 'resources2:VGPU': '1' })).groupPolicy, undefined)
})

test('what the request filters add', () => {
  const changes = [
    { rootForbidden: ['COMPUTE_STATUS_DISABLED'] },
    { rootRequired: ['B', 'A'], memberOfAny: ['z', 'y'] },
    { rootRequired: ['A'], memberOfAny: ['x'], notMemberOf: ['n'] },
  ]
  const { groups, rootRequired, rootForbidden } = query({}, { changes, inTree: 'node' })
  assert.deepEqual(groups[0]?.memberOf, [['y', 'z'], ['x']])
  assert.deepEqual(groups[0]?.notMemberOf, ['n'])
  assert.equal(groups[0]?.inTree, 'node')
  assert.deepEqual([rootRequired, rootForbidden], [['A', 'B'], ['COMPUTE_STATUS_DISABLED']])
})

test('the limit is left out where a hint will leave only a few hosts', () => {
  assert.equal(query({}).limit, 1000)
  assert.equal(query({ hints: { same_host: ['a'] } }).limit, undefined)
  assert.equal(query({ hints: { group: ['g'] } }).limit, undefined)
  assert.equal(query({}, { isUnlimited: true }).limit, undefined)
})

test('pinned CPUs are also looked for as shared ones, unless turned off', () => {
  const spec = aSpec(flavor({ 'hw:cpu_policy': 'dedicated' }))
  assert.equal(fallbackQuery(spec, { options })?.groups[0]?.resources['VCPU'], 4)
  assert.equal(fallbackQuery(aSpec(), { options }), undefined)
  const off = schedulerOptions({ workarounds: { disable_fallback_pcpu_query: true } })
  assert.equal(fallbackQuery(spec, { options: off }), undefined)
})
