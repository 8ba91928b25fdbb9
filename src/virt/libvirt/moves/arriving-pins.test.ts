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
