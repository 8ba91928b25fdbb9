import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey, canonicalAddress, formatCidr, linkLocal, overlaps, parseAddress, parseCidr } from './addresses.ts'

const cidr = (text: string) => {
  const parsed = parseCidr(text)
  assert.ok(parsed !== undefined, text)
  return parsed
}

test('addresses are read strictly and written canonically', () => {
  assert.equal(canonicalAddress('FD00:0:0::1'), 'fd00::1')
  for (const text of ['10.1', '010.0.0.1.1', '1.2.3.256', 'fe80::1%eth0', '', 'x'])
    assert.equal(parseAddress(text), undefined, text)
})

test('a prefix loses its host bits, and overlap is seen both ways', () => {
  assert.equal(formatCidr(cidr('10.0.0.77/26')), '10.0.0.64/26')
  assert.equal(parseCidr('10.0.0.0/33'), undefined)
  assert.ok(overlaps(cidr('10.0.0.0/8'), cidr('10.3.0.0/16')) && overlaps(cidr('10.3.0.0/16'), cidr('10.0.0.0/8')))
  assert.ok(!overlaps(cidr('10.0.0.0/26'), cidr('10.0.0.64/26')) && !overlaps(cidr('::/0'), cidr('0.0.0.0/0')))
})

test('keys sort as addresses do', () => {
  const keys = ['10.0.0.9', '10.0.0.10', '9.255.0.1'].map(text =>
    addressKey(parseAddress(text) ?? { version: 4, value: 0n }),
  )
  assert.deepEqual(keys.toSorted(), [keys[2], keys[0], keys[1]])
})

test('a link-local address follows from the MAC', () => {
  assert.equal(linkLocal('fa:16:3e:00:00:01'), 'fe80::f816:3eff:fe00:1')
})
