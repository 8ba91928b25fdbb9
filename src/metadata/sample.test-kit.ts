import { instanceId } from '#base'
import type { Vif } from '#model'
import type { Door, InstanceMetadata, MetadataSource } from './source.ts'

export const sampleId = instanceId('6c8bf0f9-6a34-4b8f-9f0a-3f3d6f3f8e01')

export const aVif = (overrides: Partial<Vif> = {}): Vif => ({
  portId: 'f1a2b3c4-0000-4000-8000-000000000001',
  mac: 'fa:16:3e:00:00:01',
  networkId: '9d0b0a2e-0000-4000-8000-00000000000a',
  label: 'private',
  networkProjectId: 'p1',
  mtu: 1450,
  subnets: [
    {
      id: 's1',
      cidr: '10.0.0.0/26',
      version: 4,
      gateway: '10.0.0.1',
      dns: ['10.0.0.2', '10.0.0.3'],
      routes: [{ destination: '10.8.0.0/16', nexthop: '10.0.0.9' }],
      dhcpServer: null,
      ips: [{ address: '10.0.0.5', version: 4, floatingIps: ['203.0.113.7'] }],
    },
  ],
  vifType: 'bridge',
  vnicType: 'normal',
  details: {},
  devName: 'tapf1a2b3c4-00',
  isActive: true,
  isPreserved: false,
  tag: null,
  ...overrides,
})

export const aServer = (overrides: Partial<InstanceMetadata> = {}): InstanceMetadata => ({
  id: sampleId,
  projectId: 'p1',
  displayName: 'Wäb 1',
  hostname: 'web-1',
  launchIndex: 0,
  reservationId: 'r-abcd1234',
  availabilityZone: 'nova',
  flavorName: 'm1.small',
  securityGroups: ['default', 'web'],
  metadata: { role: 'web' },
  key: { name: 'mine', type: 'ssh', publicKey: 'ssh-ed25519 AAAA me\n' },
  userData: Buffer.from('#!/bin/sh\necho hi\n').toString('base64'),
  imageId: 'b8e5d3a0-0000-4000-8000-0000000000ff',
  bootRoles: ['member', 'reader'],
  vifs: [aVif()],
  devices: [
    {
      kind: 'nic',
      mac: 'fa:16:3e:00:00:01',
      vlan: null,
      isTrusted: false,
      bus: 'pci',
      address: '0000:00:03.0',
      tags: [],
    },
    {
      kind: 'nic',
      mac: 'fa:16:3e:00:00:02',
      vlan: 7,
      isTrusted: true,
      bus: 'pci',
      address: '0000:00:04.0',
      tags: ['db'],
    },
    { kind: 'disk', serial: 'vol-1', path: '/dev/vdb', bus: 'scsi', address: null, tags: ['data'] },
    { kind: 'share', shareId: 'share-1', tag: 'docs', bus: 'none', address: null, tags: [] },
  ],
  dedicatedCpus: [3, 1],
  ec2: { instance: 26, image: 2, kernel: null, ramdisk: null },
  disks: { root: '/dev/vda', volumes: ['/dev/vdc', '/dev/vdb'], ephemerals: ['/dev/vdd'], swap: null },
  password: '',
  ...overrides,
})

/** Holds one server, which tests replace; counts the reads. */
export class SampleSource implements MetadataSource {
  view: InstanceMetadata | undefined
  reads = 0
  /** Called in the middle of a read. */
  onRead: () => Promise<void> | void = () => undefined

  constructor(view: InstanceMetadata | undefined) {
    this.view = view
  }

  async #read(): Promise<InstanceMetadata | undefined> {
    this.reads++
    const view = this.view
    await this.onRead()
    return view
  }

  async idByAddress(_door: Door | undefined, remote: string): Promise<string | undefined> {
    return remote === '127.0.0.1' ? this.view?.id : undefined
  }

  byInstanceId(id: string): Promise<InstanceMetadata | undefined> {
    return id === this.view?.id ? this.#read() : Promise.resolve(undefined)
  }

  async savePassword(_id: string, password: string): Promise<boolean> {
    if (this.view === undefined || this.view.password !== '') return false
    this.view = { ...this.view, password }
    return true
  }

  async byProvider(provider: string, address: string): Promise<{ instanceId: string; projectId: string } | undefined> {
    return provider === 'lb-1' && address === '10.0.0.5' ? { instanceId: sampleId, projectId: 'p1' } : undefined
  }
}
