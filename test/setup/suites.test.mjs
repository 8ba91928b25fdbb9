import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSuites, findSuites, testGroups } from '../../tools/setup/suites.mjs'

test('every test file of the tree belongs to a suite, unit first', () => {
  const suites = findSuites()
  assert.equal(suites[0].name, 'unit')
  // It needs packages that no other test does.
  assert.ok(suites.every(suite => suite.files.every(file => !file.includes('/test/openstack/'))))
  const setup = suites.find(suite => suite.name === 'setup')
  assert.ok(setup.files.some(file => file.endsWith('suites.test.mjs')))
  assert.ok(
    suites[0].files.every(file => file.includes('/src/') || !file.slice(file.indexOf('/test/') + 6).includes('/')),
  )
})

test('names choose suites and keep their order; an unknown one is refused', () => {
  const suites = ['unit', 'setup', 'network'].map(name => ({ name, files: ['x'] }))
  assert.deepEqual(
    chooseSuites(suites, ['network', 'unit']).map(suite => suite.name),
    ['unit', 'network'],
  )
  assert.equal(chooseSuites(suites, []).length, 3)
  assert.throws(() => chooseSuites(suites, ['nix']), /no test suite 'nix'; the suites are: unit, setup, network/)
})

test('unit tests alone do not install a hypervisor', () => {
  assert.ok(!testGroups([{ name: 'unit', files: [] }]).includes('libvirt'))
  assert.ok(testGroups([{ name: 'allinone', files: [] }]).includes('libvirt'))
  const clients = testGroups([{ name: 'clients', files: [] }])
  assert.ok(clients.includes('client-suites') && !clients.includes('libvirt'))
})
