import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivingDomain } from './arriving-domain.ts'

const domain = (pin: string, node: string, cells: string) =>
  `<domain><vcpu placement='static'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='${pin}'/></cputune>` +
  `<numatune><memory mode='strict' nodeset='${node}'/></numatune><cpu><numa>${cells}</numa></cpu><devices/></domain>`

test('a running guest arrives with the pins and nodes of the host it goes to, and its own nodes as they are', () => {
  const cell = "<cell id='0' cpus='0' memory='65536' unit='KiB'/>"
  const arriving = arrivingDomain(domain('3', '0', cell), domain('7', '1', ''))
  assert.match(arriving, /<vcpupin vcpu="0" cpuset="7"\/>/)
  assert.match(arriving, /<memory mode="strict" nodeset="1"\/>/)
  assert.match(arriving, /<cell id="0"/)
  assert.doesNotMatch(arriving, /cpuset="3"/)
})

test('its PCI devices are those of the host it goes to, at the places where the guest has them', () => {
  const device = (bus: string, place = '') =>
    `<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='${bus}' slot='0x00' function='0x1'/></source>${place}</hostdev>`
  const at = (slot: string) => `<address type='pci' domain='0x0000' bus='0x00' slot='${slot}' function='0x0'/>`
  const ours = `<domain><devices>${device('0x81', at('0x05'))}${device('0x82', at('0x06'))}</devices></domain>`
  const theirs = `<domain><devices>${device('0x03')}${device('0x04')}</devices></domain>`
  const devices = arrivingDomain(ours, theirs).split('<hostdev').slice(1)
  const buses = devices.map(text => /<source>.*?bus="(0x[0-9a-f]+)"/s.exec(text)?.[1])
  const slots = devices.map(text => /<address type="pci".*?slot="(0x[0-9a-f]+)"/s.exec(text)?.[1])
  assert.deepEqual(buses, ['0x03', '0x04'])
  assert.deepEqual(slots, ['0x05', '0x06'])
})

test('what is behind its memory is what the host it goes to has', () => {
  const behind = (inside: string) => `<domain><memoryBacking>${inside}</memoryBacking><devices/></domain>`
  const plain = '<domain><devices/></domain>'
  assert.match(arrivingDomain(behind('<locked/>'), behind("<locked/><source type='file'/>")), /<source type="file"\/>/)
  assert.doesNotMatch(arrivingDomain(behind("<source type='file'/>"), plain), /memoryBacking/)
  assert.match(arrivingDomain(plain, behind("<source type='file'/>")), /memoryBacking/)
})
