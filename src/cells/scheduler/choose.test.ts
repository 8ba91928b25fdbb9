import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CellWish } from '#bus'
import { readVersionNeed } from '#model'
import { NoCellsAvailable } from '../faults.ts'
import type { CellCandidate } from './candidate.ts'
import { chooseCells } from './choose.ts'
import { CellSchedulerClassNotFound, enabled } from './enabled.ts'
import { cellFilters } from './filters.ts'
import { cellWeighers } from './weighers.ts'

const caller = {
  userId: 'u',
  userName: 'u',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'p',
  projectName: 'p',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  roles: ['admin'],
  systemScope: false,
  domainId: null,
  token: 't',
  expiresAtMs: 0,
}

const wish = (more: Partial<CellWish> = {}): CellWish => ({
  caller,
  requestId: 'req-1',
  memoryMiB: 512,
  diskMiB: 1024,
  count: 1,
  imageProperties: {},
  hints: {},
  ...more,
})

const cell = (name: string, units: number | null, more: Partial<CellCandidate> = {}): CellCandidate => ({
  name,
  path: `api!${name}`,
  isOwn: false,
  capabilities: {},
  capacities:
    units === null
      ? null
      : {
          ram_free: { total_mb: units * 512, units_by_mb: { '512': units } },
          disk_free: { total_mb: 0, units_by_mb: {} },
        },
  weightOffset: 0,
  isMute: false,
  ...more,
})

const weighers = cellWeighers({ ramMultiplier: 10, offsetMultiplier: 1, muteMultiplier: -10_000 })
const choose = (cells: readonly CellCandidate[], asked = wish(), may = true, by = weighers) => {
  const { cells: chosen, refusals } = chooseCells(cells, cellFilters, by, { wish: asked, may: () => may })
  return { names: chosen.map(({ name }) => name), refusals }
}

test('the cell with the most room for the flavor comes first', () => {
  assert.deepEqual(choose([cell('a', 1), cell('b', 9), cell('c', 4)]).names, ['b', 'c', 'a'])
  const stacking = cellWeighers({ ramMultiplier: -10, offsetMultiplier: 1, muteMultiplier: -10_000 })
  assert.deepEqual(choose([cell('a', 1), cell('b', 9)], wish(), true, stacking).names, ['a', 'b'])
})

test('an offset weighs against room by the multipliers, after both are brought to the same scale', () => {
  const cells = [cell('roomy', 9), cell('wanted', 1, { weightOffset: 1_000_000 })]
  assert.deepEqual(choose(cells).names, ['roomy', 'wanted'])
  const offsets = cellWeighers({ ramMultiplier: 10, offsetMultiplier: 11, muteMultiplier: -10_000 })
  assert.deepEqual(choose(cells, wish(), true, offsets).names, ['wanted', 'roomy'])
})

test('a mute child is the last that is tried', () => {
  assert.deepEqual(choose([cell('mute', 900, { isMute: true }), cell('a', 0)]).names, ['a', 'mute'])
})

test('a cell that has not told what it has is left out, with why', () => {
  const { names, refusals } = choose([cell('new', null), cell('a', 1)])
  assert.deepEqual(names, ['a'])
  assert.deepEqual(refusals, [
    { cell: 'api!new', filter: 'Capacities', reason: 'it has not told yet what it has room for' },
  ])
})

test('target_cell: the cell, or the child that leads there, whatever they have told; for those who may', () => {
  const own = cell('api', 3, { isOwn: true, path: 'api' })
  const cells = [cell('west', null), cell('east', 9), own]
  const aimed = (path: string, may = true) => choose(cells, wish({ hints: { target_cell: [path] } }), may).names
  assert.deepEqual(aimed('api!west!far'), ['west'])
  assert.deepEqual(aimed('api!west'), ['west'])
  assert.deepEqual(aimed('api'), ['api'])
  assert.deepEqual(aimed('api!western'), [])
  assert.deepEqual(aimed('api!west', false), ['east', 'api'])
})

test('different_cell: none of these', () => {
  const hints = { different_cell: ['api!a', 'api!c'] }
  const cells = [cell('a', 9), cell('b', 1)]
  assert.deepEqual(choose(cells, wish({ hints })).names, ['b'])
  assert.deepEqual(choose(cells, wish({ hints }), false).names, ['a', 'b'])
})

test('an image that needs a hypervisor version goes where it is, or may be', () => {
  const has = (version: string) => ({ capabilities: { prominent_hypervisor_version: [version] } })
  const cells = [cell('old', 9, has('6.0.0')), cell('new', 5, has('7.2.0')), cell('silent', 1)]
  const { names, refusals } = choose(cells, wish({ imageProperties: { hypervisor_version_requires: '>=6.1,<8' } }))
  assert.deepEqual(names, ['new', 'silent'])
  assert.match(refusals[0]?.reason ?? '', /needs a hypervisor of version >=6.1,<8, and this cell has 6.0.0/)
  assert.deepEqual(choose(cells, wish({ imageProperties: { hypervisor_version_requires: 'new' } })).names, [])
})

test('version needs', () => {
  const meets = (need: string, version: string) => readVersionNeed(need)?.(version)
  assert.equal(meets('>=6.0', '6'), true)
  assert.equal(meets('>6.0', '6.0.0'), false)
  assert.equal(meets('!=6.2.1', '6.2.10'), true)
  assert.equal(meets('<10.0', '9.9.9'), true)
  assert.equal(readVersionNeed('around 6'), undefined)
})

test('the refusal of all says for each cell what stood against it', () => {
  const refusals = choose([cell('new', null)]).refusals
  assert.equal(
    NoCellsAvailable({ refusals }).message,
    'No cells available matching scheduling criteria. api!new: Capacities: it has not told yet what it has room for',
  )
})

test('classes of the configuration', () => {
  const names = (classes: readonly string[]) =>
    enabled('scheduler_filter_classes', classes, cellFilters).map(f => f.name)
  assert.equal(names(['nova.cells.filters.all_filters']).length, 3)
  assert.deepEqual(names(['nova.cells.filters.target_cell.TargetCellFilter']), ['TargetCellFilter'])
  assert.deepEqual(names([]), [])
  assert.throws(() => names(['my.OwnFilter']), CellSchedulerClassNotFound.is)
})
