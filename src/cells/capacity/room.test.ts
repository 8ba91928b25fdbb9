import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCapabilities, unionOf } from './capabilities.ts'
import { roomOn, sumOfRoom } from './room.ts'

const host = (freeMB: number, totalMB = 1000) => ({
  ram: { totalMB, freeMB },
  disk: { totalMB: 2 * totalMB, freeMB: 2 * freeMB },
})

test('units are counted per host, after the reserve of its total', () => {
  const room = roomOn([host(1000), host(650), host(50)], { ram: [300, 500, 0, 300], disk: [0, 1800] }, 10)
  assert.deepEqual(room.ram_free, { total_mb: 900 + 550, units_by_mb: { '300': 3 + 1, '500': 1 + 1 } })
  assert.deepEqual(room.disk_free, { total_mb: 1800 + 1100, units_by_mb: { '1800': 1 } })
})

test('a cell has room for what it has itself and for what those below have', () => {
  const a = roomOn([host(1000)], { ram: [300], disk: [] }, 0)
  const b = roomOn([host(650)], { ram: [300, 600], disk: [] }, 0)
  assert.deepEqual(sumOfRoom([a, b]).ram_free, { total_mb: 1650, units_by_mb: { '300': 5, '600': 1 } })
  assert.deepEqual(sumOfRoom([]).ram_free, { total_mb: 0, units_by_mb: {} })
})

test('capabilities are sets, merged upward', () => {
  const own = readCapabilities(['hypervisor=xenserver;kvm', 'os=linux'])
  assert.deepEqual(own, { hypervisor: ['xenserver', 'kvm'], os: ['linux'] })
  const all = unionOf([own, { hypervisor: ['kvm', 'qemu'], zone: ['a'] }])
  assert.deepEqual(all, { hypervisor: ['kvm', 'qemu', 'xenserver'], os: ['linux'], zone: ['a'] })
})
