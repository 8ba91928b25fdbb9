import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubnetView } from '#cloud'
import type { RequestedPort, RequestSpec } from '#model'
import type { AggregateWithHosts } from '../host-source.ts'
import { type SchedulerOverrides, schedulerOptions } from '../options.ts'
import { aFlavor, anAggregate, anImage, aSpec } from '../samples.ts'
import { requestFilters } from './index.ts'
import type { RequestFilterResult } from './request-filter.ts'
import { type RoutedNetworks, routedNetworks } from './routed-networks.ts'

interface Row {
  readonly filter: string
  readonly when: string
  readonly spec?: Partial<RequestSpec>
  readonly options?: SchedulerOverrides['scheduler']
  readonly aggregates?: readonly AggregateWithHosts[]
  readonly oldestCompute?: number
  readonly routed?: RoutedNetworks
  readonly gives: RequestFilterResult | null
}

const aggregate = (metadata: Record<string, string>, id = 1) => ({ ...anAggregate(metadata, id), hosts: [] })
const flavor = (extraSpecs: Record<string, string>) => ({ flavor: aFlavor({ extraSpecs }) })
const image = (properties: Record<string, string>) => ({ image: anImage(properties) })
const requires = (says: string, ...rootRequired: string[]) => ({ says, change: { rootRequired } })

const tenants = { limit_tenants_to_placement_aggregate: true }
const aggregateRows: readonly Row[] = [
  {
    filter: 'require_tenant_aggregate',
    when: 'off',
    aggregates: [aggregate({ filter_tenant_id: 'project' })],
    gives: null,
  },
  {
    filter: 'require_tenant_aggregate',
    when: 'the project has aggregates',
    options: tenants,
    aggregates: [aggregate({ filter_tenant_id: 'other' }), aggregate({ filter_tenant_id3: 'project' }, 2)],
    gives: { says: 'aggregates of the project: aggregate2', change: { memberOfAny: ['aggregate-2'] } },
  },
  {
    filter: 'require_tenant_aggregate',
    when: 'it has none',
    options: tenants,
    gives: { says: 'no aggregate is kept for the project: any host' },
  },
  {
    filter: 'require_tenant_aggregate',
    when: 'it has none but must have one',
    options: { ...tenants, placement_aggregate_required_for_tenants: true },
    gives: { refuses: 'No hosts available for tenant' },
  },
  { filter: 'map_az_to_placement_aggregate', when: 'no zone asked for', gives: null },
  {
    filter: 'map_az_to_placement_aggregate',
    when: 'a zone of two aggregates',
    spec: { requestedZone: 'west' },
    aggregates: [
      aggregate({ availability_zone: 'west' }),
      aggregate({ availability_zone: 'east' }, 2),
      aggregate({ availability_zone: 'west' }, 3),
    ],
    gives: {
      says: 'zone west: aggregates aggregate1, aggregate3',
      change: { memberOfAny: ['aggregate-1', 'aggregate-3'] },
    },
  },
  {
    filter: 'map_az_to_placement_aggregate',
    when: 'the default zone',
    spec: { requestedZone: 'nova' },
    gives: { says: 'no aggregate has the zone nova: any host' },
  },
  {
    filter: 'isolate_aggregates',
    when: 'a trait that is not asked for closes its aggregate',
    options: { enable_isolated_aggregate_filtering: true },
    spec: { ...flavor({ 'trait:HW_CPU_X86_AVX': 'required' }), ...image({ 'trait:CUSTOM_WINDOWS': 'required' }) },
    aggregates: [
      aggregate({ 'trait:HW_CPU_X86_AVX': 'required', 'trait:CUSTOM_WINDOWS': 'required' }),
      aggregate({ 'trait:CUSTOM_GOLD': 'required' }, 2),
      aggregate({ 'trait:CUSTOM_GOLD': 'preferred' }, 3),
    ],
    gives: { says: 'not in aggregate2: their traits are not asked for', change: { notMemberOf: ['aggregate-2'] } },
  },
  { filter: 'isolate_aggregates', when: 'off', aggregates: [aggregate({ 'trait:X': 'required' })], gives: null },
]

const traitRows: readonly Row[] = [
  {
    filter: 'compute_status_filter',
    when: 'always',
    gives: { says: 'not COMPUTE_STATUS_DISABLED', change: { rootForbidden: ['COMPUTE_STATUS_DISABLED'] } },
  },
  { filter: 'require_image_type_support', when: 'off', gives: null },
  {
    filter: 'require_image_type_support',
    when: 'a known format',
    options: { query_placement_for_image_type_support: true },
    gives: requires('the image is qcow2: COMPUTE_IMAGE_TYPE_QCOW2', 'COMPUTE_IMAGE_TYPE_QCOW2'),
  },
  {
    filter: 'require_image_type_support',
    when: 'boot from volume',
    options: { query_placement_for_image_type_support: true },
    spec: { isVolumeBacked: true },
    gives: null,
  },
  {
    filter: 'require_image_type_support',
    when: 'a format without a trait',
    options: { query_placement_for_image_type_support: true },
    spec: { image: anImage({}, { diskFormat: 'docker' }) },
    gives: { says: 'there is no trait COMPUTE_IMAGE_TYPE_DOCKER: any host' },
  },
  {
    filter: 'transform_image_metadata',
    when: 'buses, models and architectures',
    options: { image_metadata_prefilter: true },
    spec: image({
      hw_disk_bus: 'virtio',
      hw_vif_model: 'spapr-vlan',
      hw_viommu_model: 'intel',
      hw_architecture: 'x86_64',
    }),
    gives: requires(
      "the image's properties: COMPUTE_STORAGE_BUS_VIRTIO, COMPUTE_NET_VIF_MODEL_SPAPR_VLAN, HW_ARCH_X86_64, COMPUTE_VIOMMU_MODEL_INTEL",
      'COMPUTE_STORAGE_BUS_VIRTIO',
      'COMPUTE_NET_VIF_MODEL_SPAPR_VLAN',
      'HW_ARCH_X86_64',
      'COMPUTE_VIOMMU_MODEL_INTEL',
    ),
  },
  {
    filter: 'transform_image_metadata',
    when: 'one unknown name leaves all out',
    options: { image_metadata_prefilter: true },
    spec: image({ hw_disk_bus: 'virtio', hw_vif_model: 'VirtualE1000' }),
    gives: { says: "there is no trait COMPUTE_NET_VIF_MODEL_VIRTUALE1000: the image's properties are not asked for" },
  },
  { filter: 'transform_image_metadata', when: 'off', spec: image({ hw_disk_bus: 'virtio' }), gives: null },
  {
    filter: 'accelerators_filter',
    when: 'a device profile',
    spec: flavor({ 'accel:device_profile': 'fpga' }),
    gives: requires('device profile fpga', 'COMPUTE_ACCELERATORS'),
  },
  {
    filter: 'packed_virtqueue_filter',
    when: 'the image asks',
    spec: image({ hw_virtio_packed_ring: 'True' }),
    gives: requires('packed virtqueues', 'COMPUTE_NET_VIRTIO_PACKED'),
  },
  { filter: 'packed_virtqueue_filter', when: 'nobody asks', gives: null },
  {
    filter: 'ephemeral_encryption_filter',
    when: 'in a format',
    spec: flavor({ 'hw:ephemeral_encryption': 'yes', 'hw:ephemeral_encryption_format': 'luks' }),
    gives: requires(
      'encrypted local disks (luks)',
      'COMPUTE_EPHEMERAL_ENCRYPTION',
      'COMPUTE_EPHEMERAL_ENCRYPTION_LUKS',
    ),
  },
  {
    filter: 'ephemeral_encryption_filter',
    when: 'in a format nobody has',
    spec: flavor({ 'hw:ephemeral_encryption': 'yes', 'hw:ephemeral_encryption_format': 'rot13' }),
    gives: { refuses: "Ephemeral encryption format 'rot13' is not supported." },
  },
  {
    filter: 'virtio_sound_filter',
    when: 'a virtio model',
    spec: image({ hw_sound_model: 'virtio' }),
    gives: requires('a virtio sound device', 'COMPUTE_SOUND_MODEL_VIRTIO'),
  },
  { filter: 'virtio_sound_filter', when: 'another model', spec: image({ hw_sound_model: 'sb16' }), gives: null },
  { filter: 'tpm_secret_security_filter', when: 'no TPM', gives: null },
  {
    filter: 'tpm_secret_security_filter',
    when: 'a TPM',
    spec: image({ hw_tpm_version: '2.0' }),
    gives: requires("the TPM's secret is kept by the user", 'COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER'),
  },
  {
    filter: 'tpm_secret_security_filter',
    when: 'a level nobody knows',
    spec: flavor({ 'hw:tpm_version': '2.0', 'hw:tpm_secret_security': 'nobody' }),
    gives: { refuses: "TPM secret security 'nobody' is not supported." },
  },
]

const port = (set: Partial<RequestedPort> = {}): RequestedPort => ({
  id: 'port',
  networkId: 'net',
  subnetId: null,
  vnicType: 'normal',
  groups: [],
  sameSubtree: [],
  ...set,
})

const routes = { query_placement_for_routed_network_aggregates: true }
/** Segments of subnets and networks, and the aggregates of each segment. */
const routedBy = (
  segments: Record<string, readonly string[]>,
  aggregates: Record<string, readonly string[]>,
): RoutedNetworks => ({
  segmentsOf: ({ kind, id }) => segments[`${kind} ${id}`] ?? [],
  aggregatesOf: id => aggregates[id] ?? [],
})
const twoSegments = { 'network net': ['s1', 's2'], 'subnet sub': ['s2'] }
const placed = { s1: ['rack1'], s2: ['rack2', 'rack3'] }

const networkRows: readonly Row[] = [
  { filter: 'remote_managed_ports_filter', when: 'a normal port', spec: { ports: [port()] }, gives: null },
  {
    filter: 'remote_managed_ports_filter',
    when: 'a port of a smart card',
    spec: { ports: [port(), port({ id: 'far', vnicType: 'remote-managed' })] },
    gives: requires('ports far are remote-managed', 'COMPUTE_REMOTE_MANAGED_PORTS'),
  },
  {
    filter: 'routed_networks_filter',
    when: 'off',
    spec: { networkIds: ['net'] },
    routed: routedBy(twoSegments, placed),
    gives: null,
  },
  {
    filter: 'routed_networks_filter',
    when: 'a network that is everywhere',
    options: routes,
    spec: { networkIds: ['other'] },
    routed: routedBy(twoSegments, placed),
    gives: { says: 'no network is routed between segments' },
  },
  {
    filter: 'routed_networks_filter',
    when: 'a network of two segments, and a port that has its address',
    options: routes,
    spec: { networkIds: ['net', 'net'], ports: [port({ subnetId: 'sub' })] },
    routed: routedBy(twoSegments, placed),
    gives: {
      says: 'where the segments of the subnet sub, the network net are',
      change: {
        memberOfAll: [
          ['rack2', 'rack3'],
          ['rack1', 'rack2', 'rack3'],
        ],
      },
    },
  },
  {
    filter: 'routed_networks_filter',
    when: 'a port without an address may be on any segment',
    options: routes,
    spec: { networkIds: ['net'], ports: [port()] },
    routed: routedBy(twoSegments, placed),
    gives: {
      says: 'where the segments of the network net are',
      change: { memberOfAll: [['rack1', 'rack2', 'rack3']] },
    },
  },
  {
    filter: 'routed_networks_filter',
    when: 'a segment that no host is on',
    options: routes,
    spec: { networkIds: ['net'] },
    routed: routedBy(twoSegments, { s1: ['rack1'] }),
    gives: { refuses: 'Aggregates not found for the network net' },
  },
  { filter: 'owner_nova_filter', when: 'nobody knows how old the hosts are', gives: null },
  { filter: 'owner_nova_filter', when: 'a host from before', oldestCompute: 72, gives: null },
  {
    filter: 'owner_nova_filter',
    when: 'every host marks its own',
    oldestCompute: 73,
    gives: {
      says: "what is Nova's: OWNER_NOVA",
      change: { rootRequired: ['OWNER_NOVA'], deviceRequired: ['OWNER_NOVA'] },
    },
  },
]

for (const row of [...aggregateRows, ...traitRows, ...networkRows]) {
  const { filter: name, when, spec, options = {}, aggregates = [], oldestCompute, routed, gives } = row
  test(`${name}: ${when}`, () => {
    const filter = requestFilters.find(one => one.name === name)
    assert.ok(filter, `there is no request filter ${name}`)
    const request = { spec: aSpec(spec), options: schedulerOptions({ scheduler: options }), aggregates }
    const facts = {
      ...(oldestCompute === undefined ? {} : { oldestCompute }),
      ...(routed === undefined ? {} : { routed }),
    }
    assert.deepEqual(filter.apply({ ...request, ...facts }), gives)
  })
}

test('the segments of a request are asked for once each', async () => {
  const asked: string[] = []
  const subnet = (id: string, segmentId: string | null) => ({ id, segmentId }) as SubnetView
  const found = await routedNetworks(
    {
      network: {
        subnets: async (_as, ids) => {
          asked.push(...ids)
          return [subnet('sub', 's2'), subnet('plain', null)]
        },
        subnetsOfNetwork: async (_as, id) => {
          asked.push(id)
          return id === 'net' ? [subnet('sub1', 's1'), subnet('sub', 's2'), subnet('sub3', 's2')] : [subnet('x', null)]
        },
      },
      placement: {
        aggregates: async id => {
          asked.push(id)
          return id === 's1' ? ['rack1'] : ['rack2']
        },
      },
    },
    aSpec({
      networkIds: ['net', 'net', 'net', 'flat'],
      ports: [port({ subnetId: 'sub' }), port({ id: 'two', networkId: 'flat', subnetId: 'plain' })],
    }),
  )
  assert.deepEqual(asked, ['sub', 'plain', 'net', 's2', 's1'])
  assert.deepEqual(found.segmentsOf({ kind: 'network', id: 'net' }), ['s1', 's2'])
  assert.deepEqual(found.segmentsOf({ kind: 'subnet', id: 'plain' }), [])
  assert.deepEqual(found.aggregatesOf('s2'), ['rack2'])
})

test('the request filters are those of Nova, in its order', () => {
  assert.deepEqual(
    requestFilters.map(filter => filter.name),
    [
      'require_tenant_aggregate',
      'map_az_to_placement_aggregate',
      'require_image_type_support',
      'compute_status_filter',
      'isolate_aggregates',
      'transform_image_metadata',
      'accelerators_filter',
      'packed_virtqueue_filter',
      'routed_networks_filter',
      'remote_managed_ports_filter',
      'ephemeral_encryption_filter',
      'virtio_sound_filter',
      'tpm_secret_security_filter',
      'owner_nova_filter',
    ],
  )
})
