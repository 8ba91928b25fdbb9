import { instanceId } from '#base'
import type { Flavor, InstanceImage, RequestSpec } from '#model'
import type { SchedulerHost } from './host-source.ts'

/** Builders for tests and the bench: a plain thing, and the fields that matter where it is used. */
export const aFlavor = (set: Partial<Flavor> = {}): Flavor => ({
  number: 1,
  flavorId: '1',
  name: 'm1.small',
  memoryMiB: 2048,
  vcpus: 1,
  rootGiB: 20,
  ephemeralGiB: 0,
  swapMiB: 0,
  rxtxFactor: 1,
  isPublic: true,
  isDisabled: false,
  description: null,
  extraSpecs: {},
  ...set,
})

export const anImage = (properties: Record<string, string> = {}, set: Partial<InstanceImage> = {}): InstanceImage => ({
  id: '70a599e0-31e7-49b7-b260-868f441e862b',
  name: 'cirros',
  diskFormat: 'qcow2',
  containerFormat: 'bare',
  sizeBytes: 20_000_000,
  checksum: null,
  hashAlgorithm: null,
  hashValue: null,
  minDiskGiB: 0,
  minRamMiB: 0,
  properties,
  ...set,
})

export const aSpec = (set: Partial<RequestSpec> = {}): RequestSpec => ({
  projectId: 'project',
  userId: 'user',
  flavor: aFlavor(),
  image: anImage(),
  isVolumeBacked: false,
  requestedZone: null,
  destination: null,
  ignoreHosts: [],
  hints: {},
  networkIds: [],
  serverGroup: null,
  ...set,
})

export const aHost = (set: Partial<SchedulerHost> = {}): SchedulerHost => {
  const host = set.host ?? 'host1'
  return {
    host,
    node: host,
    nodeId: `node-of-${host}`,
    isEnabled: true,
    isUp: true,
    disabledReason: null,
    vcpusTotal: 16,
    vcpusUsed: 0,
    cpuAllocationRatio: 4,
    ramTotalMiB: 32_768,
    ramFreeMiB: 32_768,
    ramAllocationRatio: 1,
    diskTotalGiB: 1000,
    diskFreeMiB: 1_024_000,
    diskAllocationRatio: 1,
    hypervisorType: 'QEMU',
    hypervisorVersion: 9_002_000,
    supportedInstances: [
      ['x86_64', 'kvm', 'hvm'],
      ['x86_64', 'qemu', 'hvm'],
      ['i686', 'qemu', 'hvm'],
    ],
    cpuInfo: { arch: 'x86_64', vendor: 'Intel', model: 'Broadwell', features: ['aes', 'avx'] },
    hostIp: '192.0.2.10',
    numInstances: 0,
    numIoOps: 0,
    failedBuilds: 0,
    instanceIds: new Set(),
    aggregates: [],
    metrics: {},
    ...set,
  }
}

/** An aggregate as a host sees it. */
export const anAggregate = (metadata: Record<string, string>, id = 1) => ({
  id,
  uuid: `aggregate-${id}`,
  name: `aggregate${id}`,
  metadata,
})

/** A server group of which `members` are known. */
export const aGroup = (
  policy: string,
  members: readonly string[],
  set: Partial<NonNullable<RequestSpec['serverGroup']>> = {},
): NonNullable<RequestSpec['serverGroup']> => ({
  id: 'group',
  policy,
  maxServerPerHost: 1,
  hosts: [],
  members: members.map(instanceId),
  ...set,
})
