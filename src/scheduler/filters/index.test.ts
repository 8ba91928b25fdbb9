import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HostFilterNotFound } from '../faults.ts'
import { schedulerDefaults } from '../options.ts'
import { allFilters, enabledFilters } from './index.ts'

const all = schedulerDefaults.filter_scheduler.available_filters

test('the filters run in the order of enabled_filters, paths allowed', () => {
  const names = ['NumInstancesFilter', 'nova.scheduler.filters.compute_filter.ComputeFilter']
  assert.deepEqual(
    enabledFilters(names, all).map(filter => filter.name),
    ['NumInstancesFilter', 'ComputeFilter'],
  )
})

test('the default filters exist', () => {
  const { enabled_filters: names } = schedulerDefaults.filter_scheduler
  assert.equal(enabledFilters(names, all).length, 5)
  assert.equal(new Set(allFilters.map(filter => filter.name)).size, allFilters.length)
})

test('an unknown filter aborts the start and says which there are', () => {
  assert.throws(
    () => enabledFilters(['ComputFilter'], all),
    (error: unknown) =>
      HostFilterNotFound.is(error) && /ComputFilter could not be found.*ComputeFilter/.test(error.message),
  )
})

test('a filter that Nova removed names its successor', () => {
  assert.throws(() => enabledFilters(['RamFilter'], all), /It was removed: placement counts MEMORY_MB/)
})

test('a filter that is not among the available ones is unknown', () => {
  const available = ['nova.scheduler.filters.compute_filter.ComputeFilter']
  assert.equal(enabledFilters(['ComputeFilter'], available).length, 1)
  assert.throws(() => enabledFilters(['JsonFilter'], available), /JsonFilter could not be found/)
})
