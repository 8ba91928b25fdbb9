import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseXml } from '../xml-tree.ts'
import { hostCells } from './host-cells.ts'
import { pciFunctionIn } from './host-devices.ts'
import { readMemory } from './host-view.ts'
import { processorTimes } from './processor-times.ts'

const capabilities = (cells: string) =>
  parseXml(`<capabilities><host><topology><cells>${cells}</cells></topology></host></capabilities>`)

const pciDevice = (inside: string, at = '<domain>0</domain><bus>129</bus><slot>16</slot><function>2</function>') =>
  parseXml(
    `<device><name>pci</name><capability type='pci'><class>0x020000</class>${at}
    <product id='0x10ed'>Virtual Function</product><vendor id='0x8086'>Intel</vendor>${inside}</capability></device>`,
  )

describe('host', () => {
  test('NUMA nodes, cores and pages as libvirt tells them; a node without CPUs that are on is none', () => {
    const cpu = (id: number, socket: number, siblings: string) =>
      `<cpu id='${id}' socket_id='${socket}' die_id='0' core_id='${id % 2}' siblings='${siblings}'/>`
    const pages = "<pages unit='KiB' size='4'>1000</pages><pages unit='KiB' size='2048'>16</pages>"
    const memory = (kib: number) => `<memory unit='KiB'>${kib}</memory>`
    const first = `<cell id='0'>${memory(36_768)}${pages}<cpus num='4'>${cpu(0, 0, '0,2')}${cpu(2, 0, '0,2')}${cpu(1, 0, '1,3')}${cpu(3, 0, '1,3')}</cpus></cell>`
    const second = `<cell id='1'>${memory(4096)}<cpus num='2'>${cpu(4, 1, '4')}${cpu(5, 2, '5')}</cpus></cell>`
    const empty = `<cell id='2'>${memory(1024)}<cpus num='0'></cpus></cell>`
    assert.deepEqual(hostCells(capabilities(first + second + empty)), [
      {
        id: 0,
        memoryMiB: 35,
        cpus: [0, 1, 2, 3],
        siblings: [
          [0, 2],
          [1, 3],
        ],
        pages: [
          { sizeKiB: 4, total: 1000 },
          { sizeKiB: 2048, total: 16 },
        ],
        socket: 0,
      },
      { id: 1, memoryMiB: 4, cpus: [4, 5], siblings: [[4], [5]], pages: [], socket: null },
    ])
  })

  test('PCI functions: virtual, physical and plain ones', () => {
    const names = (address: string) => (address === '0000:81:00.0' ? 'enp129s0' : null)
    const parent = "<address domain='0x0000' bus='0x81' slot='0x00' function='0x0'/>"
    const child = pciDevice(`<capability type='phys_function'>${parent}</capability><numa node='1'/>`)
    assert.deepEqual(pciFunctionIn(child, names), {
      address: '0000:81:10.2',
      vendorId: '8086',
      productId: '10ed',
      type: 'type-VF',
      numaNode: 1,
      parentAddress: '0000:81:00.0',
      interfaceName: null,
      parentInterfaceName: 'enp129s0',
      cardSerial: null,
      canMove: false,
    })
    const fields = '<fields><serial_number>MT2113X00000</serial_number></fields>'
    const inside = `<capability type='virt_functions' maxCount='63'>${parent}</capability><capability type='vpd'>${fields}</capability>`
    const at = '<domain>0</domain><bus>129</bus><slot>0</slot><function>0</function>'
    const card = pciFunctionIn(pciDevice(inside, at), names)
    assert.deepEqual([card?.type, card?.interfaceName, card?.cardSerial], ['type-PF', 'enp129s0', 'MT2113X00000'])
    assert.equal(pciFunctionIn(pciDevice(''), names)?.type, 'type-PCI')
    assert.equal(pciFunctionIn(parseXml("<device><capability type='net'/></device>"), names), undefined)
  })

  test('memory counts buffers and caches as free', () => {
    const meminfo =
      'MemTotal:       1048576 kB\nMemFree:         524288 kB\nBuffers:          65536 kB\nCached:          131072 kB\nSwapCached: 0 kB\n'
    assert.deepEqual(readMemory(meminfo), { memoryMiB: 1024, memoryUsedMiB: 320 })
  })

  test('processor times are added up as libvirt does', () => {
    const stat = 'cpu  10 1 20 300 4 5 6 7 0 0\ncpu0 5 1 10 150 2 2 3 4 0 0\nintr 1\n'
    const cpuinfo = 'processor\t: 0\ncpu MHz\t\t: 2499.996\nprocessor\t: 1\ncpu MHz\t\t: 800.000\n'
    assert.deepEqual(processorTimes(stat, cpuinfo), {
      user: 110_000_000,
      kernel: 310_000_000,
      idle: 3_000_000_000,
      iowait: 40_000_000,
      frequencyMHz: 2500,
    })
  })
})
