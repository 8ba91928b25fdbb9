import { describe, test } from 'node:test'
import type { GuestNuma, GuestSpec } from '../../guest-spec.ts'
import { cpu, vcpu } from './cpu.ts'
import { cpuTuning } from './cpu-tuning.ts'
import { hostdevs } from './hostdevs.ts'
import { interfaces } from './interfaces.ts'
import { memoryBacking } from './memory-backing.ts'
import { numaTune } from './numa.ts'
import { configured, shows } from './shows.test-kit.ts'

const cell = (id: number, hostCell: number, cpus: readonly number[], pins: GuestNuma['cells'][number]['pins']) => ({
  id,
  hostCell,
  cpus,
  memoryMiB: 64,
  pageSizeKiB: null,
  pins,
  reserved: [],
})

const hostCells = [
  { id: 0, sharedCpus: [0, 1], smallestPageKiB: 4 },
  { id: 1, sharedCpus: [4, 5], smallestPageKiB: 4 },
]

const numa: GuestNuma = {
  cells: [
    cell(
      0,
      1,
      [0, 1],
      [
        [0, 6],
        [1, 7],
      ],
    ),
    cell(1, 0, [2], [[2, 3]]),
  ],
  cpuPolicy: 'dedicated',
  threadPolicy: null,
  emulatorPolicy: null,
  hostCells,
}
const guest = (change: Partial<GuestNuma> = {}): { vcpus: number; spec: Partial<GuestSpec> } => ({
  vcpus: 3,
  spec: { numa: { ...numa, ...change } },
})
const realtime = { 'hw:cpu_realtime': 'yes', 'hw:cpu_realtime_mask': '^0', 'hw:cpu_policy': 'dedicated' }

describe('a guest on nodes of its host', () => {
  test('its own nodes, and the memory of the nodes they are on', () => {
    shows(
      cpu,
      guest(),
      '<cpu><topology sockets="3" cores="1" threads="1"/><numa>' +
        '<cell id="0" cpus="0-1" memory="65536" unit="KiB"/><cell id="1" cpus="2" memory="65536" unit="KiB"/></numa></cpu>',
    )
    shows(
      numaTune,
      guest(),
      '<numatune><memory mode="strict" nodeset="0-1"/>' +
        '<memnode cellid="0" mode="strict" nodeset="1"/><memnode cellid="1" mode="strict" nodeset="0"/></numatune>',
    )
    shows(numaTune, {}, '')
    shows(vcpu, guest(), '<vcpu>3</vcpu>', configured({ sharedCpus: [0, 1] }))
    shows(vcpu, {}, '<vcpu cpuset="0-1,5">1</vcpu>', configured({ sharedCpus: [0, 1, 5] }))
  })

  const pins = '<vcpupin vcpu="0" cpuset="6"/><vcpupin vcpu="1" cpuset="7"/><vcpupin vcpu="2" cpuset="3"/>'

  test('pins, with the emulator beside them', () =>
    shows(cpuTuning, guest(), `<cputune>${pins}<emulatorpin cpuset="3,6-7"/></cputune>`))

  test('the emulator on a CPU of its own, or on shared ones', () => {
    const reserved = numa.cells.map((one, i) => (i === 0 ? { ...one, reserved: [5] } : one))
    const isolated = guest({ emulatorPolicy: 'isolate', cells: reserved })
    shows(cpuTuning, isolated, `<cputune>${pins}<emulatorpin cpuset="5"/></cputune>`)
    const shared = configured({ sharedCpus: [0, 1] })
    const share = guest({ emulatorPolicy: 'share' })
    shows(cpuTuning, share, `<cputune>${pins}<emulatorpin cpuset="0-1"/></cputune>`, shared)
    shows(cpuTuning, share, `<cputune>${pins}<emulatorpin cpuset="3,6-7"/></cputune>`)
  })

  test('real-time CPUs are scheduled first, keep the emulator away and their memory in place', () => {
    shows(
      cpuTuning,
      { ...guest(), extraSpecs: realtime },
      `<cputune>${pins}<emulatorpin cpuset="6"/><vcpusched vcpus="1-2" scheduler="fifo" priority="1"/></cputune>`,
    )
    shows(
      memoryBacking,
      { ...guest(), extraSpecs: realtime },
      '<memoryBacking><locked/><nosharepages/></memoryBacking>',
    )
  })

  test('CPUs that it shares run anywhere at its node, those of a mixed guest that are its own do not', () => {
    const cells = [cell(0, 1, [0, 1, 2], [[1, 6]])]
    shows(
      cpuTuning,
      guest({ cpuPolicy: 'mixed', cells }),
      '<cputune><vcpupin vcpu="0" cpuset="4-5"/><vcpupin vcpu="1" cpuset="6"/><vcpupin vcpu="2" cpuset="4-5"/>' +
        '<emulatorpin cpuset="4-6"/></cputune>',
    )
  })

  test('huge pages behind the nodes that have them', () => {
    const cells = numa.cells.map((one, i) => ({ ...one, pageSizeKiB: i === 0 ? 2048 : 4 }))
    shows(
      memoryBacking,
      guest({ cells }),
      '<memoryBacking><hugepages><page size="2048" unit="KiB" nodeset="0"/></hugepages></memoryBacking>',
    )
    shows(
      cpu,
      guest({ cells }),
      '<cpu><topology sockets="3" cores="1" threads="1"/><numa>' +
        '<cell id="0" cpus="0-1" memory="65536" unit="KiB" memAccess="shared"/>' +
        '<cell id="1" cpus="2" memory="65536" unit="KiB" memAccess="shared"/></numa></cpu>',
    )
    shows(memoryBacking, guest(), '')
  })

  test('PCI devices', () => {
    const device = {
      address: '0000:81:10.2',
      type: 'type-VF',
      numaNode: 1,
      vendorId: '8086',
      productId: '10ed',
      isManaged: true,
      alias: 'vf',
      interfaceName: null,
      portId: null,
    } as const
    const at = '<address domain="0x0000" bus="0x81" slot="0x10" function="0x2"/>'
    const hostdev = (managed: string) =>
      `<hostdev mode="subsystem" type="pci" managed="${managed}"><source>${at}</source></hostdev>`
    shows(hostdevs, { spec: { hostDevices: [{ ...device, portId: 'port' }] } }, '')
    const plain = {
      portId: 'port',
      mac: 'fa:16:3e:00:00:01',
      kind: 'bridge',
      bridge: 'unbound',
      devName: 'tap',
    } as const
    const vif = { ...plain, mtu: 1500, model: 'virtio' }
    const card = { address: device.address, interfaceName: 'enp129s0v1', isManaged: true, vlan: 7 }
    const own = { ...vif, card: { ...card, kind: 'hostdev' } } as const
    const over = { ...vif, card: { ...card, kind: 'direct' } } as const
    const mac = '<mac address="fa:16:3e:00:00:01"/>'
    shows(
      interfaces,
      { spec: { vifs: [own, over] } },
      `<interface type="hostdev" managed="yes">${mac}<source>${at.replace('<address', '<address type="pci"')}</source>` +
        `<vlan><tag id="7"/></vlan></interface><interface type="direct">${mac}` +
        '<source dev="enp129s0v1" mode="passthrough"/><model type="virtio"/></interface>',
    )
    shows(
      hostdevs,
      { spec: { hostDevices: [device, { ...device, isManaged: false }] } },
      hostdev('yes') + hostdev('no'),
    )
  })
})
