import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXml } from '../xml-tree.ts'
import { addressesIn } from './guest-records.ts'

test('addresses of NICs and disks on the PCI bus', () => {
  const pci = (slot: string) => `<address type='pci' domain='0x0000' bus='0x01' slot='${slot}' function='0x2'/>`
  const xml = `<domain><devices>
    <disk><target dev='vda' bus='virtio'/>${pci('0x0a')}</disk>
    <disk><target dev='sda' bus='scsi'/><address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
    <interface><mac address='FA:16:3E:00:00:01'/>${pci('0x03')}</interface>
    <interface><mac address='fa:16:3e:00:00:02'/></interface></devices></domain>`
  assert.deepEqual(addressesIn(parseXml(xml)), { vda: '0000:01:0a.2', 'fa:16:3e:00:00:01': '0000:01:03.2' })
})
