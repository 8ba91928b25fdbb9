import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingPackages, packageGroups, packagesFor } from '../../tools/setup/packages.mjs'
import { scratchMachine } from './fixtures.mjs'

test('every group says why, is sorted and has no repetition', () => {
  for (const [name, group] of Object.entries(packageGroups())) {
    assert.notEqual(group.why, '', name)
    assert.deepEqual(group.packages, [...new Set(group.packages)].sort(), name)
  }
})

test('the processor decides the emulator', () => {
  assert.ok(packagesFor(['libvirt'], 'x64').includes('qemu-system-x86'))
  assert.ok(!packagesFor(['libvirt'], 'arm64').includes('qemu-system-x86'))
  assert.ok(packagesFor(['libvirt'], 'arm64').includes('qemu-system-arm'))
})

test('a package counts only when it is fully installed', t => {
  const machine = scratchMachine(t, {
    'dpkg-query': 'echo "a installed"; echo "b config-files"; echo "c half-configured"; exit 1',
  })
  assert.deepEqual(missingPackages(['a', 'b', 'c', 'd'], machine.env), ['b', 'c', 'd'])
})

/** The lists that the modules keep beside the code that calls these programs. */
const lists = [
  ['src/virt/libvirt/daemon/packages.ts', ['libvirt']],
  ['src/network/packages.ts', ['network']],
  ['src/guest/packages.ts', ['guest-stock', 'guest-tiny']],
]

/** All names in what a module exports: a list, or lists by kind. */
const namesIn = value => {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.every(item => typeof item === 'string') ? value : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(namesIn) : []
}

for (const [path, groups] of lists) {
  test(`packages.json and ${path} agree`, async () => {
    const named = new Set(namesIn({ ...(await import(`../../${path}`)) }))
    assert.deepEqual([...named].sort(), packagesFor(groups, 'x64'))
  })
}
