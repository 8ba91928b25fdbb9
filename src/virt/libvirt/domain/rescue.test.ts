import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestDisk, GuestSpec } from '../../guest-spec.ts'
import { nodeAt, nodesAt, parseXml, type XmlNode } from '../xml-tree.ts'
import { type RescueDisk, rescueBus, rescueXml } from './rescue.ts'
import { type SampleOptions, sampleDisk, sampleHost, sampleSpec } from './sample-spec.ts'

const path = '/i/disk.rescue'
const host = sampleHost()

const aVolume = (id: string, deviceName: string, overrides: Partial<GuestDisk> = {}): GuestDisk =>
  sampleDisk({
    id,
    kind: 'volume',
    deviceName,
    volume: { id, connection: { driverVolumeType: 'local', data: { device_path: `/v/${id}`, format: 'raw' } } },
    ...overrides,
  })

function rescued(spec: GuestSpec, properties: Readonly<Record<string, string>>, stable: RescueDisk['stable']) {
  const image = { ...spec.image, id: 'rescue-image', properties }
  const domain = parseXml(rescueXml(spec, host, { path, format: 'qcow2', image, stable }))
  const line = (disk: XmlNode) => {
    const { dev, bus } = nodeAt(disk, 'target')?.attributes ?? {}
    const source = nodeAt(disk, 'source')?.attributes.file?.split('/').at(-1)
    const order = nodeAt(disk, 'boot')?.attributes.order
    const unit = nodeAt(disk, 'address')?.attributes.unit
    return [source, dev, bus, order === undefined ? '' : `boot ${order}`, unit === undefined ? '' : `unit ${unit}`]
      .filter(word => word !== '')
      .join(' ')
  }
  const controllers = nodesAt(domain, 'devices', 'controller').map(({ attributes: a }) => `${a.type} ${a.model}`)
  return { domain, disks: nodesAt(domain, 'devices', 'disk').map(line), controllers }
}

const withDisks = (options: SampleOptions, ...more: readonly GuestDisk[]): GuestSpec => {
  const spec = sampleSpec(options)
  return { ...spec, disks: [...spec.disks, ...more] }
}

test('the rescue disk first, and who must make way for it moves on', () => {
  const spec = withDisks({ ephemeralGiB: 1 }, aVolume('one', '/dev/vdc'), aVolume('two', '/dev/vdf'))
  const drive = { format: 'iso9660', files: [] } as const
  const { disks, domain } = rescued({ ...spec, configDrive: drive }, {}, null)
  assert.deepEqual(disks, [
    'disk.rescue vda virtio boot 1',
    'disk vdb virtio',
    'disk.eph0 vdc virtio',
    'one vdd virtio',
    'two vdf virtio',
    'disk.config hda ide',
  ])
  assert.equal(nodeAt(domain, 'metadata', 'rescue:image')?.attributes.uuid, 'rescue-image')
  assert.deepEqual(nodesAt(domain, 'os', 'boot'), [])
})

test('the machine is what the rescue image asks for; SCSI disks are told where they sit', () => {
  const own = { hw_disk_bus: 'virtio', hw_machine_type: 'pc' }
  const { disks, controllers } = rescued(sampleSpec({ properties: own }), { hw_disk_bus: 'scsi' }, null)
  assert.deepEqual(disks, ['disk.rescue sda scsi boot 1 unit 0', 'disk sdb scsi unit 1'])
  assert.ok(controllers.includes('scsi virtio-scsi'))
  assert.equal(controllers.filter(controller => controller.startsWith('scsi')).length, 1)
})

test('in a stable rescue all keep their places, and the rescue disk is the only one that is booted from', () => {
  const root = aVolume('root-volume', '/dev/vda', { bootIndex: 0 })
  const spec = { ...sampleSpec(), disks: [root, aVolume('one', '/dev/vdb')] }
  const own = ['root-volume vda virtio', 'one vdb virtio']
  const cases: readonly (readonly [RescueDisk['stable'], Readonly<Record<string, string>>, string])[] = [
    [{ device: 'disk', bus: 'virtio' }, {}, 'vdc virtio boot 1'],
    [{ device: 'disk', bus: null }, { hw_disk_bus: 'sata' }, 'sda sata boot 1'],
    [{ device: 'disk', bus: 'usb' }, {}, 'sda usb boot 1'],
    [{ device: 'disk', bus: 'scsi' }, {}, 'sda scsi boot 1 unit 0'],
    [{ device: 'cdrom', bus: null }, {}, 'hda ide boot 1'],
    [{ device: 'floppy', bus: null }, {}, 'fda fdc boot 1'],
  ]
  for (const [stable, properties, rescue] of cases) {
    const { disks, controllers } = rescued(spec, properties, stable)
    assert.deepEqual(disks, [...own, `disk.rescue ${rescue}`])
    assert.equal(controllers.includes('scsi virtio-scsi'), stable?.bus === 'scsi')
  }
})

test('on PCI Express there is no IDE; unknown buses are none', () => {
  const image = sampleSpec().image
  const pciExpress = sampleSpec({ properties: { hw_machine_type: 'q35' } })
  assert.equal(rescueBus(pciExpress, host, { image, stable: { device: 'cdrom', bus: null } }), 'sata')
  assert.equal(rescueBus(pciExpress, host, { image, stable: { device: 'cdrom', bus: 'ide' } }), 'sata')
  for (const [device, bus] of [
    ['disk', 'xen'],
    ['disk', 'fdc'],
    ['floppy', 'virtio'],
  ] as const)
    assert.equal(rescueBus(sampleSpec(), host, { image, stable: { device, bus } }), undefined)
})
