import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXml } from '../xml-tree.ts'
import { withAddresses } from './config-drive-addresses.ts'

const domain = parseXml(`<domain><devices>
  <disk><target dev='vdb'/><serial>a-volume</serial><address type='pci' domain='0' bus='0' slot='0x05' function='0'/></disk>
  <interface><mac address='fa:16:3e:00:00:01'/><address type='pci' domain='0' bus='0' slot='0x03' function='0'/></interface>
</devices></domain>`)

const drive = (document: object) => {
  const base64 = Buffer.from(JSON.stringify(document)).toString('base64')
  const files = [
    { path: 'openstack/latest/meta_data.json', base64 },
    { path: 'openstack/latest/user_data', base64: 'eA==' },
  ]
  return { format: 'iso9660', files } as const
}

test('tagged devices get the addresses that libvirt has given them', () => {
  const nic = { type: 'nic', mac: 'fa:16:3e:00:00:01', bus: 'pci', address: 'none', tags: ['out'] }
  const disk = { type: 'disk', serial: 'a-volume', bus: 'pci', address: 'none', tags: ['db'] }
  const filled = withAddresses(drive({ uuid: 'x', devices: [nic, disk] }), domain)
  assert.deepEqual(JSON.parse(Buffer.from(filled?.files[0]?.base64 ?? '', 'base64').toString()), {
    uuid: 'x',
    devices: [
      { ...nic, address: '0000:00:03.0' },
      { ...disk, address: '0000:00:05.0' },
    ],
  })
  assert.equal(filled?.files[1]?.base64, 'eA==')
  assert.equal(withAddresses(drive({ uuid: 'x', devices: [] }), domain), undefined)
})
