import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryUri, pauseSteps, peerUri, plainMigration } from './settings.ts'

test('where another host’s daemon and memory are', () => {
  assert.equal(peerUri(plainMigration, 'compute-2'), 'qemu+tcp://compute-2/system')
  assert.equal(peerUri({ ...plainMigration, scheme: 'tls' }, 'fd00::2'), 'qemu+tls://[fd00::2]/system')
  const uriTemplate = 'qemu+ssh://nova@%s/system'
  assert.equal(
    peerUri({ ...plainMigration, uriTemplate, scheme: 'tls' }, '10.0.0.2'),
    'qemu+ssh://nova@10.0.0.2/system',
  )
  assert.equal(memoryUri('fd00::2'), 'tcp://[fd00::2]')
})

test('the pauses grow from a step to the whole, later for more memory', () => {
  const steps = pauseSteps(plainMigration, 3)
  assert.equal(steps.length, 11)
  assert.deepEqual(steps[0], [0, 50])
  assert.deepEqual(steps[1], [225, 95])
  assert.deepEqual(steps.at(-1), [2250, 500])
  assert.deepEqual(pauseSteps(plainMigration, 1)[1], [150, 95], 'never below 2 GiB')
})
