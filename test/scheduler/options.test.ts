/** Every option of nova.conf that the scheduler reads: with it, one cloud decides otherwise than without. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Fault, instanceId, newUuid } from '#base'
import { loadConfig } from '#config'
import type { RequestSpec, SchedulingResult } from '#model'
import {
  aFlavor,
  aGroup,
  aHost,
  anAggregate,
  anImage,
  aSpec,
  type SchedulerHost,
  type SchedulerOptions,
} from '#scheduler'
import { schedulerOptionsOf } from '../../src/allinone/compose/control.ts'
import { type Cloud, openCloud } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'scheduler-options-'))
after(() => rmSync(folder, { recursive: true }))

/** `[section] name` with these values, as the operator writes them; a list of lines for several options. */
function optionsOf(lines: readonly string[]): SchedulerOptions {
  const file = join(folder, `${newUuid()}.conf`)
  const texts = lines.map(line => {
    const [, section = '', setting = ''] = /^\[(\w+)\] (.*)$/.exec(line) ?? []
    return `[${section}]\n${setting}\n`
  })
  writeFileSync(file, texts.join(''))
  return schedulerOptionsOf(loadConfig({ files: [file], env: {} }))
}

const nodeId = (number: number) => `00000000-0000-4000-8000-00000000000${number}`
const node = (number: number, set: Partial<SchedulerHost> = {}) =>
  aHost({ host: `host${number}`, nodeId: nodeId(number), ...set })

/** What makes one host of two the better one, or the only one. */
interface Case {
  /** Options besides the one that is tried: a filter that reads it. */
  readonly with?: readonly string[]
  readonly spec?: Partial<RequestSpec>
  readonly first?: Partial<SchedulerHost>
  readonly second?: Partial<SchedulerHost>
  readonly traits?: Readonly<Record<number, readonly string[]>>
  readonly aggregates?: readonly (readonly [metadata: Readonly<Record<string, string>>, hosts: readonly number[]])[]
  readonly prepare?: (cloud: Cloud) => Promise<void>
  /** Ids asked for at once. */
  readonly count?: number
  readonly random?: () => number
  readonly sets: string
  /** Hosts chosen without and with the option; a text is the refusal. */
  readonly without: readonly number[] | RegExp
  readonly gives: readonly number[] | RegExp
}

const told = (result: SchedulingResult): readonly number[] | string =>
  result.ok ? result.selections.map(([one]) => Number(one?.host.slice('host'.length))) : result.message

async function decide(cloud: Cloud, one: Case, lines: readonly string[]) {
  const ids = Array.from({ length: one.count ?? 1 }, () => instanceId(newUuid()))
  const options = optionsOf([...(one.with ?? []), ...lines])
  try {
    const scheduler = cloud.schedulerOf(options, one.random ?? (() => 0))
    return told(await scheduler.selectDestinations(aSpec(one.spec), ids, { isRehearsal: true }))
  } catch (error) {
    // A service that does not start with such options.
    if (error instanceof Fault) return error.message
    throw error
  }
}

const filters = (...names: string[]) => `[filter_scheduler] enabled_filters = ${names.join(', ')}`
const weighers = (...names: string[]) => `[filter_scheduler] weight_classes = ${names.join(', ')}`
const only = (name: string) => [weighers(`nova.scheduler.weights.x.${name}`)]
const flavor = (extraSpecs: Record<string, string>) => ({ flavor: aFlavor({ extraSpecs }) })
const image = (properties: Record<string, string>) => ({ image: anImage(properties) })
/** One weigher alone: which of the two hosts has more of what it counts. */
const weighs = (
  name: string,
  less: Partial<SchedulerHost>,
  more: Partial<SchedulerHost>,
  rest: Partial<Case> = {},
) => ({
  with: only(name),
  first: less,
  second: more,
  ...rest,
})

const cases: Readonly<Record<string, Case | readonly Case[]>> = {
  'scheduler.max_placement_results': {
    // The second host is the better one, and placement does not get as far.
    first: { numIoOps: 5 },
    sets: '1',
    without: [2],
    gives: [1],
  },
  'scheduler.limit_tenants_to_placement_aggregate': {
    first: { numIoOps: 5 },
    aggregates: [[{ filter_tenant_id: 'project' }, [1]]],
    sets: 'true',
    without: [2],
    gives: [1],
  },
  'scheduler.placement_aggregate_required_for_tenants': {
    with: ['[scheduler] limit_tenants_to_placement_aggregate = true'],
    sets: 'true',
    without: [1],
    gives: /No hosts available for tenant/,
  },
  'scheduler.query_placement_for_image_type_support': {
    traits: { 2: ['COMPUTE_IMAGE_TYPE_QCOW2'] },
    sets: 'true',
    without: [1],
    gives: [2],
  },
  'scheduler.enable_isolated_aggregate_filtering': {
    aggregates: [[{ 'trait:CUSTOM_GOLD': 'required' }, [1]]],
    sets: 'true',
    without: [1],
    gives: [2],
  },
  'scheduler.image_metadata_prefilter': {
    spec: image({ hw_disk_bus: 'virtio' }),
    traits: { 2: ['COMPUTE_STORAGE_BUS_VIRTIO'] },
    sets: 'true',
    without: [1],
    gives: [2],
  },
  'scheduler.query_placement_for_routed_network_aggregates': {
    spec: { networkIds: ['net'] },
    aggregates: [[{ segment: 'yes' }, [2]]],
    prepare: async ({ placement, segment }) => {
      await placement.ensureProvider({ id: segment, name: 'segment' })
      await placement.setAggregates(segment, [anAggregate({}, 1).uuid])
    },
    sets: 'true',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.available_filters': {
    with: [filters('ComputeFilter', 'MyFilter')],
    sets: 'nova.scheduler.filters.compute_filter.ComputeFilter, nova.scheduler.filters.x.NumInstancesFilter',
    without: /MyFilter could not be found.*SimpleCIDRAffinityFilter/,
    gives: /MyFilter could not be found.*: ComputeFilter, NumInstancesFilter\.$/,
  },
  'filter_scheduler.enabled_filters': {
    first: { isUp: false },
    sets: 'AllHostsFilter',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.weight_classes': {
    first: { numIoOps: 5 },
    sets: 'nova.scheduler.weights.ram.RAMWeigher',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.host_subset_size': {
    second: { numIoOps: 5 },
    random: () => 0.9,
    sets: '2',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.shuffle_best_same_weighed_hosts': { random: () => 0, sets: 'true', without: [1], gives: [2] },
  'filter_scheduler.max_io_ops_per_host': [
    {
      with: [filters('IoOpsFilter'), ...only('RAMWeigher')],
      first: { numIoOps: 3 },
      sets: '3',
      without: [1],
      gives: [2],
    },
    {
      with: [filters('AggregateIoOpsFilter'), ...only('RAMWeigher')],
      first: { numIoOps: 3 },
      sets: '3',
      without: [1],
      gives: [2],
    },
  ],
  'filter_scheduler.max_instances_per_host': [
    { with: [filters('NumInstancesFilter')], first: { numInstances: 3 }, sets: '3', without: [1], gives: [2] },
    { with: [filters('AggregateNumInstancesFilter')], first: { numInstances: 3 }, sets: '3', without: [1], gives: [2] },
  ],
  'filter_scheduler.isolated_images': {
    with: [filters('IsolatedHostsFilter'), '[filter_scheduler] isolated_hosts = host2'],
    sets: anImage().id,
    without: [1],
    gives: [2],
  },
  'filter_scheduler.isolated_hosts': {
    with: [filters('IsolatedHostsFilter')],
    sets: 'host1',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.restrict_isolated_hosts_to_isolated_images': {
    with: [filters('IsolatedHostsFilter'), '[filter_scheduler] isolated_hosts = host1'],
    sets: 'false',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.aggregate_image_properties_isolation_namespace': {
    with: [filters('AggregateImagePropertiesIsolation')],
    spec: image({ hw_machine_type: 'q35', os_distro: 'debian' }),
    aggregates: [[{ hw_machine_type: 'pc' }, [1]]],
    sets: 'os',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.aggregate_image_properties_isolation_separator': {
    with: [
      filters('AggregateImagePropertiesIsolation'),
      '[filter_scheduler] aggregate_image_properties_isolation_namespace = os',
    ],
    spec: image({ os_distro: 'debian' }),
    aggregates: [[{ os_distro: 'fedora' }, [1]]],
    sets: '_',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.image_properties_default_architecture': {
    first: { supportedInstances: [['aarch64', 'kvm', 'hvm']] },
    sets: 'x86_64',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.pci_in_placement': {
    spec: {
      pciRequests: [
        {
          id: 'gpu',
          count: 1,
          specs: [{ vendor_id: '10de', product_id: '1eb8' }],
          aliasName: 'gpu',
          numaPolicy: 'legacy',
          resourceClass: null,
          traits: [],
          canMove: null,
        },
      ],
    },
    sets: 'true',
    without: [1],
    gives: /There are not enough hosts available/,
  },
  'filter_scheduler.ram_weight_multiplier': {
    ...weighs('RAMWeigher', { ramTotalMiB: 4096 }, {}),
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.cpu_weight_multiplier': {
    ...weighs('CPUWeigher', { vcpusTotal: 4 }, {}),
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.disk_weight_multiplier': {
    ...weighs('DiskWeigher', { diskTotalGiB: 100 }, {}),
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.hypervisor_version_weight_multiplier': {
    ...weighs('HypervisorVersionWeigher', { hypervisorVersion: 8_000_000 }, {}),
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.num_instances_weight_multiplier': {
    ...weighs('NumInstancesWeigher', { numInstances: 1 }, { numInstances: 2 }),
    sets: '1',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.io_ops_weight_multiplier': {
    ...weighs('IoOpsWeigher', { numIoOps: 1 }, { numIoOps: 2 }),
    sets: '1',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.image_props_weight_multiplier': {
    ...weighs('ImagePropertiesWeigher', {}, {}, { spec: image({ os_distro: 'debian' }) }),
    prepare: async ({ hosts }) => hosts.imagesOn('host2', { 'os_distro=debian': 1 }),
    sets: '1',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.image_props_weight_setting': {
    ...weighs('ImagePropertiesWeigher', {}, {}, { spec: image({ os_distro: 'debian', hw_disk_bus: 'virtio' }) }),
    prepare: async ({ hosts }) => {
      hosts.imagesOn('host1', { 'os_distro=debian': 5 })
      hosts.imagesOn('host2', { 'hw_disk_bus=virtio': 1 })
    },
    with: [...only('ImagePropertiesWeigher'), '[filter_scheduler] image_props_weight_multiplier = 1'],
    sets: 'hw_disk_bus=2',
    without: [1],
    gives: [2],
  },
  'filter_scheduler.pci_weight_multiplier': {
    ...weighs('PCIWeigher', { freePciDevices: 4 }, {}),
    sets: '0',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.soft_affinity_weight_multiplier': {
    ...weighs('ServerGroupSoftAffinityWeigher', {}, { instanceIds: new Set(['member']) }),
    spec: { serverGroup: aGroup('soft-affinity', ['member']) },
    sets: '0',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.soft_anti_affinity_weight_multiplier': {
    ...weighs('ServerGroupSoftAntiAffinityWeigher', { instanceIds: new Set(['member']) }, {}),
    spec: { serverGroup: aGroup('soft-anti-affinity', ['member']) },
    sets: '0',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.build_failure_weight_multiplier': {
    ...weighs('BuildFailureWeigher', { failedBuilds: 1 }, {}),
    sets: '0',
    without: [2],
    gives: [1],
  },
  'filter_scheduler.cross_cell_move_weight_multiplier': {
    ...weighs('CrossCellWeigher', { cellId: 'there' }, { cellId: 'here' }),
    spec: { preferredCellId: 'here' },
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'metrics.weight_multiplier': {
    ...weighs('MetricsWeigher', { metrics: { load: 1 } }, { metrics: { load: 2 } }),
    with: [...only('MetricsWeigher'), '[metrics] weight_setting = load=1'],
    sets: '-1',
    without: [2],
    gives: [1],
  },
  'metrics.weight_setting': [
    {
      ...weighs('MetricsWeigher', { metrics: { load: 1 } }, { metrics: { load: 2 } }),
      sets: 'load=1',
      without: [1],
      gives: [2],
    },
    { with: [filters('MetricsFilter')], second: { metrics: { load: 2 } }, sets: 'load=1', without: [1], gives: [2] },
  ],
  'metrics.required': {
    ...weighs('MetricsWeigher', { metrics: { load: 1 } }, {}),
    with: [...only('MetricsWeigher'), '[metrics] weight_setting = load=1', '[metrics] weight_of_unavailable = 5'],
    sets: 'false',
    without: [1],
    gives: [2],
  },
  'metrics.weight_of_unavailable': {
    ...weighs('MetricsWeigher', { metrics: { load: 1 } }, {}),
    with: [...only('MetricsWeigher'), '[metrics] weight_setting = load=1', '[metrics] required = false'],
    sets: '5',
    without: [1],
    gives: [2],
  },
  'workarounds.disable_fallback_pcpu_query': {
    spec: flavor({ 'hw:cpu_policy': 'dedicated' }),
    sets: 'true',
    without: [1],
    gives: /There are not enough hosts available/,
  },
}

/** Read by others than the scheduler, or shown by other tests. */
const elsewhere = new Set([
  // The next test.
  'scheduler.max_attempts',
  // Processes and the journal of decisions.
  'scheduler.workers',
  'scheduler.decision_record_max_age',
  'scheduler.discover_hosts_in_cells_interval',
  // Hosts tell nothing of their servers: the database knows (decision 0024).
  'filter_scheduler.track_instance_changes',
])

async function check(name: string, one: Case): Promise<void> {
  const cloud = await openCloud()
  try {
    const hosts = [node(1, one.first), node(2, one.second)]
    for (const host of hosts) await cloud.addHost(host)
    for (const [number, traits] of Object.entries(one.traits ?? {}))
      await cloud.placement.setTraits(nodeId(Number(number)), traits)
    for (const [at, [metadata, members]] of (one.aggregates ?? []).entries()) {
      const aggregate = anAggregate(metadata, at + 1)
      cloud.hosts.addAggregate({ ...aggregate, hosts: members.map(number => `host${number}`) })
      for (const number of members) await cloud.placement.setAggregates(nodeId(number), [aggregate.uuid])
    }
    await one.prepare?.(cloud)
    const [section, option] = name.split('.')
    const expect = (said: readonly number[] | string, wanted: readonly number[] | RegExp, when: string) =>
      wanted instanceof RegExp ? assert.match(String(said), wanted, when) : assert.deepEqual(said, wanted, when)
    expect(await decide(cloud, one, []), one.without, 'without')
    expect(await decide(cloud, one, [`[${section}] ${option} = ${one.sets}`]), one.gives, 'with')
  } finally {
    await cloud.close()
  }
}

describe('options of the scheduler', () => {
  for (const [name, given] of Object.entries(cases)) {
    for (const [at, one] of (Array.isArray(given) ? given : [given]).entries())
      test(`${name}${at === 0 ? '' : ` (${at + 1})`}`, () => check(name, one))
  }

  test('scheduler.max_attempts: one place and its alternates', async () => {
    const cloud = await openCloud()
    try {
      for (const number of [1, 2, 3, 4]) await cloud.addHost(node(number))
      for (const [lines, count] of [[[], 3] as const, [['[scheduler] max_attempts = 1'], 1] as const]) {
        const scheduler = cloud.schedulerOf(optionsOf(lines), () => 0)
        const result = await scheduler.selectDestinations(aSpec(), [instanceId(newUuid())], { isRehearsal: true })
        assert.equal(result.ok && result.selections[0]?.length, count)
      }
    } finally {
      await cloud.close()
    }
  })

  test('none is forgotten here', () => {
    const { scheduler, filter_scheduler, metrics } = loadConfig({ files: [], env: {} })
    const all = Object.entries({ scheduler, filter_scheduler, metrics }).flatMap(([section, options]) =>
      Object.keys(options).map(option => `${section}.${option}`),
    )
    assert.deepEqual(
      all.filter(name => cases[name] === undefined && !elsewhere.has(name)),
      [],
    )
  })

  test('every aggregate may say otherwise than a multiplier', async () => {
    for (const [name, given] of Object.entries(cases)) {
      if (Array.isArray(given) || !name.endsWith('_multiplier')) continue
      const one = given as Case
      const option = (name.split('.')[1] ?? '').replace(/^weight/, 'metrics_weight')
      // To count images is off as long as the option is.
      const counts = option.startsWith('image_props') ? ['[filter_scheduler] image_props_weight_multiplier = -1'] : []
      const aggregates = [[{ [option]: one.sets }, [1, 2]]] as const
      const asAggregate = { ...one, with: [...(one.with ?? []), ...counts], aggregates }
      await check('metrics.required', { ...asAggregate, sets: 'true', without: one.gives, gives: one.gives })
    }
  })
})
