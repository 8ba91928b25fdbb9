import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { writeBatches } from '../../tools/setup/batches.mjs'
import { scratchMachine } from './fixtures.mjs'

const reporter = fileURLToPath(new URL('../../tools/setup/totals-reporter.mjs', import.meta.url))

const sample = (name, isRight) => `import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
globalThis.loaded = (globalThis.loaded ?? 0) + 1
let state = 'none'
before(() => (state = '${name}'))
after(() => console.log('end of ${name}'))
test('its own hooks', () => assert.equal(state, '${name}'))
describe('more', () => {
  test('loaded in turn', () => assert.equal(globalThis.loaded, ${name === 'one' ? 1 : 2}))
  test('the same process', async () => { await 1; assert.ok(${isRight}) })
})`

test('files of a batch keep their hooks, are loaded in turn, and count as if each had run alone', t => {
  const { folder } = scratchMachine(t)
  const files = ['one', 'two'].map(name => join(folder, `${name}.test.mjs`))
  writeFileSync(files[0], sample('one', false))
  writeFileSync(files[1], sample('two', true))
  const entries = writeBatches(files, { root: folder, folder, workers: 1, timeoutMs: 60_000 })
  assert.equal(entries.length, 1)
  const args = ['--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...entries]
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
  assert.equal(status, 1)
  const { counts, files: durations, failures } = JSON.parse(stdout.trim().split('\n').at(-1))
  assert.deepEqual([counts.tests, counts.passed, counts.failed, counts.suites], [6, 5, 1, 2])
  assert.deepEqual(Object.keys(durations), ['one.test.mjs', 'two.test.mjs'])
  assert.deepEqual(
    failures.map(({ name }) => name),
    ['one.test.mjs > more > the same process'],
  )
  assert.match(failures[0].why, /falsy/)
})

test('each worker gets a batch, and no batch is too large', t => {
  const { folder } = scratchMachine(t)
  const files = count => Array.from({ length: count }, (_, i) => join(folder, `${i}.test.mjs`))
  const batches = (count, workers) => writeBatches(files(count), { root: folder, folder, workers, timeoutMs: 1 }).length
  assert.deepEqual([batches(3, 4), batches(10, 2), batches(100, 2)], [3, 2, 4])
})
