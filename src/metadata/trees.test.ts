import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ec2Find, ec2Text, ec2Tree } from './ec2-tree.ts'
import { documentNames, metaDataDocument } from './openstack-tree.ts'
import { pythonJson } from './python-json.ts'
import { aServer, aVif } from './sample.test-kit.ts'
import { ec2Versions, openstackVersions } from './versions.ts'

const context = { dhcpDomain: 'novalocal', requester: '10.9.9.9' }
const added: Readonly<Record<string, readonly string[]>> = {
  '1.0':
    'ami-id ami-launch-index ami-manifest-path hostname instance-id local-ipv4 public-keys reservation-id security-groups'.split(
      ' ',
    ),
  '2007-01-19': ['local-hostname', 'public-hostname', 'public-ipv4'],
  '2007-08-29': ['instance-type'],
  '2007-12-15': ['block-device-mapping', 'kernel-id', 'ramdisk-id'],
  '2008-02-01': ['placement'],
  '2008-09-01': ['instance-action'],
}

for (const [index, version] of ec2Versions.entries()) {
  test(`EC2 ${version} has what came until then`, () => {
    const view = aServer({ ec2: { instance: 26, image: 2, kernel: 3, ramdisk: 4 } })
    const expected = ec2Versions.slice(0, index + 1).flatMap(earlier => added[earlier] ?? [])
    assert.deepEqual(Object.keys(ec2Tree(view, version, context)['meta-data']).sort(), [...expected].sort())
  })
}

const read = (path: string, view = aServer()): string | undefined => {
  const value = ec2Find(ec2Tree(view, '2009-04-04', context), path.split('/'))
  return value === undefined ? undefined : ec2Text(value).toString()
}

for (const [path, expected] of [
  ['meta-data/ami-id', 'ami-00000002'],
  ['meta-data/instance-id', 'i-0000001a'],
  ['meta-data/hostname', 'web-1.novalocal'],
  ['meta-data/local-ipv4', '10.0.0.5'],
  ['meta-data/public-ipv4', '203.0.113.7'],
  ['meta-data/security-groups', 'default\nweb'],
  ['meta-data/public-keys', '0=mine'],
  ['meta-data/public-keys/0', 'openssh-key'],
  ['meta-data/public-keys/0/openssh-key', 'ssh-ed25519 AAAA me\n'],
  ['meta-data/placement', 'availability-zone'],
  ['meta-data/block-device-mapping', 'ami\nebs0\nebs1\nephemeral0\nroot'],
  ['meta-data/block-device-mapping/ebs0', '/dev/vdb'],
  ['meta-data/block-device-mapping/ami', 'vda'],
  ['meta-data/hostname/more', undefined],
  ['meta-data/constructor', undefined],
  ['user-data', '#!/bin/sh\necho hi\n'],
] as const) {
  test(`EC2 ${path}`, () => assert.equal(read(path), expected))
}

test('a folder lists its folders with a slash', () => {
  const listing = ec2Text(ec2Tree(aServer(), '2009-04-04', context)).toString()
  assert.equal(listing, 'meta-data/\nuser-data')
  assert.match(read('meta-data') ?? '', /^ami-id\n[\s\S]*\nblock-device-mapping\/\n[\s\S]*\nplacement\/\n/)
})

test('a bare server: no key, no user data, no addresses, no root device, no zone', () => {
  const bare = aServer({
    key: null,
    userData: null,
    vifs: [],
    availabilityZone: null,
    disks: { root: null, volumes: [], ephemerals: [], swap: null },
  })
  assert.equal(read('meta-data/public-keys', bare), undefined)
  assert.equal(read('user-data', bare), undefined)
  assert.equal(read('meta-data/local-ipv4', bare), '10.9.9.9')
  assert.equal(read('meta-data/public-ipv4', bare), '')
  assert.equal(read('meta-data/block-device-mapping/root', bare), '/dev/sda1')
  assert.equal(read('meta-data/placement/availability-zone', bare), 'None')
})

const first = ['meta_data.json', 'user_data']
const listings: Readonly<Record<string, readonly string[]>> = {
  '2012-08-10': first,
  '2013-04-04': [...first, 'password'],
  '2013-10-17': [...first, 'password', 'vendor_data.json'],
  '2015-10-15': [...first, 'password', 'vendor_data.json', 'network_data.json'],
  '2016-06-30': [...first, 'password', 'vendor_data.json', 'network_data.json'],
}
const latest = [...first, 'password', 'vendor_data.json', 'network_data.json', 'vendor_data2.json']

const always = 'availability_zone hostname keys launch_index meta name public_keys uuid'.split(' ')
const since: Readonly<Record<string, string>> = {
  '2013-04-04': 'random_seed',
  '2015-10-15': 'project_id',
  '2016-06-30': 'devices',
  '2020-10-14': 'dedicated_cpus',
}

for (const [index, version] of openstackVersions.entries()) {
  test(`OpenStack ${version}: listing and keys`, () => {
    assert.deepEqual(documentNames(aServer(), version), listings[version] ?? latest)
    const document = metaDataDocument(aServer(), version, { dhcpDomain: 'novalocal' })
    const newer = openstackVersions.slice(0, index + 1).flatMap(earlier => since[earlier] ?? [])
    assert.deepEqual(Object.keys(document).sort(), [...always, ...newer].sort())
  })
}

const devicesAt = (version: (typeof openstackVersions)[number]) =>
  metaDataDocument(aServer(), version, { dhcpDomain: '' }).devices

test('devices by version: tags only, then vlan, then trust for every nic, then shares', () => {
  const disk = { type: 'disk', serial: 'vol-1', path: '/dev/vdb', bus: 'scsi', address: 'none', tags: ['data'] }
  const tagged = { type: 'nic', mac: 'fa:16:3e:00:00:02', bus: 'pci', address: '0000:00:04.0', tags: ['db'] }
  const untagged = { vf_trusted: false, type: 'nic', mac: 'fa:16:3e:00:00:01', bus: 'pci', address: '0000:00:03.0' }
  const share = { type: 'share', share_id: 'share-1', tag: 'docs', bus: 'none', address: 'none' }
  assert.deepEqual(devicesAt('2016-06-30'), [tagged, disk])
  assert.deepEqual(devicesAt('2017-02-22'), [{ vlan: 7, ...tagged }, disk])
  assert.deepEqual(devicesAt('2018-08-27'), [untagged, { vlan: 7, vf_trusted: true, ...tagged }, disk])
  assert.deepEqual(devicesAt('2025-04-04'), [untagged, { vlan: 7, vf_trusted: true, ...tagged }, disk, share])
})

test('an empty server: optional keys stay away, processors are sorted, the seed is new at every read', () => {
  const view = aServer({ metadata: {}, key: null, vifs: [aVif()] })
  const document = metaDataDocument(view, '2025-04-04', { dhcpDomain: '' })
  for (const name of ['meta', 'keys', 'public_keys', 'files', 'network_config', 'admin_pass'])
    assert.ok(!(name in document), name)
  assert.equal(document.hostname, 'web-1')
  assert.deepEqual(document.dedicated_cpus, [1, 3])
  const again = metaDataDocument(view, '2025-04-04', { dhcpDomain: '' })
  assert.equal(Buffer.from(String(document.random_seed), 'base64').length, 512)
  assert.notEqual(document.random_seed, again.random_seed)
})

test('JSON looks as Python writes it', () => {
  assert.equal(
    pythonJson({ a: [1, 'ü"\n😀', null, true], b: {}, c: [] }),
    '{"a": [1, "\\u00fc\\"\\n\\ud83d\\ude00", null, true], "b": {}, "c": []}',
  )
})
