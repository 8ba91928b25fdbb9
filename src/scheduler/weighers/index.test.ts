import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schedulerDefaults } from '../options.ts'
import { allWeighers, enabledWeighers } from './index.ts'

test('all_weighers is the default', () => {
  assert.equal(enabledWeighers(schedulerDefaults.filter_scheduler.weight_classes), allWeighers)
})

test('weighers may be listed one by one', () => {
  const [weigher] = enabledWeighers(['nova.scheduler.weights.ram.RAMWeigher'])
  assert.equal(weigher?.name, 'RAMWeigher')
})

test('an unknown weigher aborts the start', () => {
  assert.throws(
    () => enabledWeighers(['RomWeigher']),
    /Weigher RomWeigher could not be found. Known weighers: RAMWeigher/,
  )
})
