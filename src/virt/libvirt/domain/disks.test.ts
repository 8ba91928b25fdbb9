import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConnectionInfo } from '#cloud'
import type { GuestDisk } from '../../guest-spec.ts'
import { nodeAt, nodesAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'
import { cacheModesOf } from './disk-options.ts'
import { placeVolume } from './disk-place.ts'
import { controllers, disks, volumeElement } from './disks.ts'
import { element, renderXml } from './element.ts'
import { type SampleOptions, sampleDisk, sampleHost, sampleSpec } from './sample-spec.ts'

const volumeId = 'b0a7ae1e-0000-4000-8000-000000000001'
const path = '/var/lib/cinder/volume-1'
const local = (data: Record<string, unknown> = {}): ConnectionInfo => ({
  driverVolumeType: 'local',
  data: { device_path: path, access_mode: 'rw', ...data },
})

const volumeDisk = (overrides: Partial<GuestDisk> = {}, connection = local()): GuestDisk => ({
  ...sampleDisk({ id: 'volume', kind: 'volume', deviceName: '/dev/vdb' }),
  volume: { id: volumeId, connection },
  ...overrides,
})

const root = sampleDisk({ id: 'root', bootIndex: 0 })

/** All disks of the definition of a guest that has these. */
function disksOf(
  own: readonly GuestDisk[],
  options: SampleOptions = {},
  host: Parameters<typeof sampleHost>[0] = {},
): readonly XmlNode[] {
  const spec = sampleSpec({ ...options, spec: { ...options.spec, disks: own } })
  const made = disks(spec, sampleHost(host))
  return nodesAt(parseXml(renderXml(element('devices', {}, made))), 'disk')
}

const attributesAt = (node: XmlNode | undefined, ...names: readonly string[]) => {
  const found = node === undefined ? undefined : nodeAt(node, ...names)
  return found === undefined ? undefined : { ...found.attributes }
}
const targets = (made: readonly XmlNode[]) => made.map(disk => attributesAt(disk, 'target'))

/** The one volume of a guest. */
const shown = (disk: GuestDisk, options: SampleOptions = {}, host: Parameters<typeof sampleHost>[0] = {}) =>
  disksOf([root, disk], options, host)[1]

describe('where disks are', () => {
  test('volumes by their names, whatever lies between', () => {
    const made = disksOf([
      root,
      volumeDisk({ deviceName: '/dev/vdf' }),
      volumeDisk({ id: 'b', deviceName: '/dev/sdc' }),
    ])
    assert.deepEqual(targets(made), [
      { dev: 'vda', bus: 'virtio' },
      { dev: 'vdf', bus: 'virtio' },
      { dev: 'sdc', bus: 'scsi' },
    ])
  })

  test('the bus that is asked for, with names that suit it', () => {
    const on = (bus: string, more: Partial<GuestDisk> = {}) =>
      attributesAt(shown(volumeDisk({ bus, ...more })), 'target')
    assert.deepEqual(on('scsi'), { dev: 'sdb', bus: 'scsi' })
    assert.deepEqual(on('usb'), { dev: 'sdb', bus: 'usb' })
    assert.deepEqual(on('ide'), { dev: 'hdb', bus: 'ide' })
    assert.deepEqual(on('virtio', { deviceName: '/dev/xvdb' }), { dev: 'vdb', bus: 'virtio' })
    assert.deepEqual(on('nonsense'), { dev: 'vdb', bus: 'virtio' })
  })

  test('discs and floppies', () => {
    const cdrom = shown(volumeDisk({ deviceType: 'cdrom' }))
    assert.deepEqual(attributesAt(cdrom, 'target'), { dev: 'hdb', bus: 'ide' })
    assert.ok(cdrom !== undefined && nodeAt(cdrom, 'readonly') !== undefined)
    const q35 = { properties: { hw_machine_type: 'q35' } }
    assert.deepEqual(attributesAt(shown(volumeDisk({ deviceType: 'cdrom' }), q35), 'target'), {
      dev: 'sdb',
      bus: 'sata',
    })
    const floppy = shown(volumeDisk({ deviceType: 'floppy', deviceName: '/dev/vda' }))
    assert.equal(floppy?.attributes['device'], 'floppy')
    assert.deepEqual(attributesAt(floppy, 'target'), { dev: 'fda', bus: 'fdc' })
    assert.equal(shown(volumeDisk({ deviceType: 'lun', bus: 'scsi' }))?.attributes['device'], 'lun')
  })

  test('a root volume is on the bus that its image wants', () => {
    const boots = volumeDisk({ bootIndex: 0, deviceName: '/dev/sda' })
    const [made] = disksOf([boots], { properties: { hw_disk_bus: 'sata' } })
    assert.deepEqual(attributesAt(made, 'target'), { dev: 'sda', bus: 'sata' })
  })

  test('more disks than letters', () => {
    const many = Array.from({ length: 30 }, (_, i) => {
      const letters = i < 26 ? String.fromCharCode(97 + i) : `a${String.fromCharCode(97 + i - 26)}`
      return volumeDisk({ id: `v${i}`, bus: 'scsi', deviceName: `/dev/sd${letters}` })
    })
    const made = disksOf(many)
    assert.deepEqual(attributesAt(made.at(-1), 'target'), { dev: 'sdad', bus: 'scsi' })
    assert.equal(attributesAt(made.at(-1), 'address')?.['unit'], '29')
    assert.equal(new Set(made.map(disk => attributesAt(disk, 'address')?.['unit'])).size, 30)
  })

  test('of other SCSI controllers libvirt knows how many disks they take', () => {
    const lsi = { properties: { hw_scsi_model: 'lsilogic' } }
    assert.equal(attributesAt(shown(volumeDisk({ bus: 'scsi' }), lsi), 'address'), undefined)
    const made = controllers(sampleSpec(lsi), sampleHost())
    assert.match(renderXml(element('devices', {}, made)), /<controller type="scsi" index="0" model="lsilogic"/)
  })

  test('boot order is that of the boot indexes', () => {
    const [second, first] = [
      volumeDisk({ id: 's', bootIndex: 3 }),
      volumeDisk({ id: 'f', deviceName: '/dev/vdc', bootIndex: 0 }),
    ]
    const orders = disksOf([{ ...root, bootIndex: null }, second, first]).map(
      disk => attributesAt(disk, 'boot')?.['order'],
    )
    assert.deepEqual(orders, [undefined, '2', '1'])
  })

  test('a volume that comes later takes the name it was given, or the first that is free', () => {
    const guest = { isExpress: false, used: new Set(['vda', 'vdb']), scsiModel: 'virtio-scsi' }
    assert.equal(placeVolume(volumeDisk({ deviceName: '/dev/vdh' }), sampleHost(), guest).target, 'vdh')
    assert.equal(placeVolume(volumeDisk({ deviceName: '' }), sampleHost(), guest).target, 'vdc')
  })

  test('several ephemeral disks, each with its file', () => {
    const ephemeral = (id: string, deviceName: string) => sampleDisk({ id, kind: 'ephemeral', deviceName })
    const made = disksOf([root, ephemeral('a', '/dev/vdb'), ephemeral('b', '/dev/vdc')])
    const files = made.map(disk => attributesAt(disk, 'source')?.['file']?.split('/').at(-1))
    assert.deepEqual(files, ['disk', 'disk.eph0', 'disk.eph1'])
  })
})

describe('what volumes are', () => {
  const driver = (disk: GuestDisk, host: Parameters<typeof sampleHost>[0] = {}) =>
    attributesAt(shown(disk, {}, host), 'driver')

  test('known to the guest by their id', () => {
    const made = shown(volumeDisk())
    assert.ok(made !== undefined)
    assert.equal(textAt(made, 'serial'), volumeId)
    assert.deepEqual(attributesAt(made, 'source'), { file: path })
    assert.deepEqual(attributesAt(made, 'alias'), { name: `ua-${volumeId}` })
  })

  test('files and devices, raw and qcow2', () => {
    const block = shown(volumeDisk({}, local({ is_block: true })))
    assert.equal(block?.attributes['type'], 'block')
    assert.deepEqual(attributesAt(block, 'source'), { dev: path })
    assert.equal(attributesAt(block, 'driver')?.['io'], 'native')
    assert.equal(driver(volumeDisk({}, local({ format: 'qcow2' })))?.['type'], 'qcow2')
  })

  test('cached as the operator says; shared ones never', () => {
    const options = { prefix: undefined, discard: undefined, usesDefaultAio: false }
    const diskOptions = { ...options, cacheModes: cacheModesOf(['file=writeback', 'network=unsafe', 'x', 'a=b']) }
    assert.equal(driver(volumeDisk(), { diskOptions })?.['cache'], 'writeback')
    const shared = volumeDisk({ volume: { id: volumeId, connection: local(), isShared: true } })
    assert.equal(driver(shared, { diskOptions })?.['cache'], 'none')
    const made = shown(shared)
    assert.ok(made !== undefined && nodeAt(made, 'shareable') !== undefined)
  })

  test('read only, limited, with sectors of their own, discarding', () => {
    const qos = { read_iops_sec: '500', total_bytes_sec: 1024, write_iops_sec: 'many', other: '1' }
    const sizes = { logical_block_size: '4096', physical_block_size: 4096 }
    const made = shown(volumeDisk({}, local({ access_mode: 'ro', qos_specs: qos, ...sizes, discard: true })))
    assert.ok(made !== undefined && nodeAt(made, 'readonly') !== undefined)
    assert.equal(textAt(made, 'iotune', 'read_iops_sec'), '500')
    assert.equal(textAt(made, 'iotune', 'total_bytes_sec'), '1024')
    assert.equal(nodeAt(made, 'iotune')?.children.length, 2)
    assert.deepEqual(attributesAt(made, 'blockio'), { logical_block_size: '4096', physical_block_size: '4096' })
    assert.equal(attributesAt(made, 'driver')?.['discard'], 'unmap')
    assert.throws(() => shown(volumeDisk({}, local({ access_mode: 'maybe' }))), { code: 'InvalidVolumeAccessMode' })
  })

  test('limits of the flavor are for disks on the host only', () => {
    const made = disksOf([root, volumeDisk()], { extraSpecs: { 'quota:disk_write_bytes_sec': '10240' } })
    assert.deepEqual(
      made.map(disk => textAt(disk, 'iotune', 'write_bytes_sec')),
      ['10240', undefined],
    )
  })

  test('iSCSI by the initiator of QEMU', () => {
    const data = { target_portal: '192.0.2.7:3260', target_iqn: 'iqn.2010-10.org.openstack:v', target_lun: 1 }
    const auth = { auth_username: 'u', secret_uuid: volumeId, initiator: 'iqn.2008-11.org.linux-kvm:h' }
    const made = shown(volumeDisk({}, { driverVolumeType: 'iscsi', data: { ...data, ...auth } }))
    assert.equal(made?.attributes['type'], 'network')
    assert.deepEqual(attributesAt(made, 'source'), { protocol: 'iscsi', name: 'iqn.2010-10.org.openstack:v/1' })
    assert.deepEqual(attributesAt(made, 'source', 'host'), { name: '192.0.2.7', port: '3260' })
    assert.deepEqual(attributesAt(made, 'source', 'auth', 'secret'), { type: 'iscsi', uuid: volumeId })
    assert.deepEqual(attributesAt(made, 'source', 'initiator', 'iqn'), { name: 'iqn.2008-11.org.linux-kvm:h' })
    const v6 = { driverVolumeType: 'iscsi', data: { ...data, target_portal: '[2001:db8::1]:3261' } }
    assert.deepEqual(attributesAt(shown(volumeDisk({}, v6)), 'source', 'host'), { name: '2001:db8::1', port: '3261' })
  })

  test('Ceph and NBD', () => {
    const data = { name: 'volumes/v', hosts: ['192.0.2.1', '192.0.2.2'], ports: ['6789', '6790'] }
    const auth = { auth_username: 'cinder', secret_uuid: volumeId }
    const rbd = shown(volumeDisk({}, { driverVolumeType: 'rbd', data: { ...data, ...auth } }))
    assert.deepEqual(attributesAt(rbd, 'source'), { protocol: 'rbd', name: 'volumes/v' })
    assert.equal(rbd && nodesAt(rbd, 'source', 'host').length, 2)
    assert.deepEqual(attributesAt(rbd, 'source', 'auth'), { username: 'cinder' })
    const nbd = shown(volumeDisk({}, { driverVolumeType: 'nbd', data: { host: '192.0.2.1', export: 'v' } }))
    assert.deepEqual(attributesAt(nbd, 'source', 'host'), { name: '192.0.2.1', port: '10809' })
  })

  test('what cannot be reached is refused by name', () => {
    const place = { device: 'disk', bus: 'virtio', target: 'vdb', unit: undefined } as const
    const refusal = (driverVolumeType: string, data = {}) =>
      assert.throws.bind(assert, () => volumeElement(volumeDisk({}, { driverVolumeType, data }), place, sampleHost()))
    refusal('fibre_channel')({ message: 'Could not find a handler for fibre_channel volume.' })
    refusal('toString')({ code: 'VolumeDriverNotFound' })
    refusal('iscsi')({ code: 'VolumeConnectionUnusable' })
    refusal('local')({ message: 'The connection of a local volume cannot be used: it has no device_path' })
  })
})
