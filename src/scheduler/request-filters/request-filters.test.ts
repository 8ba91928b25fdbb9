import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestSpec } from '#model'
import type { AggregateWithHosts } from '../host-source.ts'
import { type SchedulerOverrides, schedulerOptions } from '../options.ts'
import { aFlavor, anAggregate, anImage, aSpec } from '../samples.ts'
import { requestFilters } from './index.ts'
import type { RequestFilterResult } from './request-filter.ts'

interface Row {
  readonly filter: string
  readonly when: string
  readonly spec?: Partial<RequestSpec>
  readonly options?: SchedulerOverrides['scheduler']
  readonly aggregates?: readonly AggregateWithHosts[]
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

for (const { filter: name, when, spec, options = {}, aggregates = [], gives } of [...aggregateRows, ...traitRows]) {
  test(`${name}: ${when}`, () => {
    const filter = requestFilters.find(one => one.name === name)
    assert.ok(filter, `there is no request filter ${name}`)
    assert.deepEqual(
      filter.apply({ spec: aSpec(spec), options: schedulerOptions({ scheduler: options }), aggregates }),
      gives,
    )
  })
}
