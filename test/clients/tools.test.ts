import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { compare, type Known, readLists } from '../../tools/clients/lists.ts'
import { clientSuites, parseSuiteOptions } from '../../tools/clients/options.mjs'
import { type Outcome, plainName, readLine, spread } from '../../tools/clients/stestr.ts'

const outcome = (fields: Partial<Outcome>): Outcome => ({
  test: 'a.B.c',
  verdict: 'passed',
  reason: '',
  seconds: 0,
  ...fields,
})

describe('what stestr prints', () => {
  test('one line per test', () => {
    assert.deepEqual(readLine('{1} a.B.c [0.123456s] ... ok'), outcome({ seconds: 0.123456 }))
    assert.deepEqual(
      readLine('{0} a.B.c[id-1,smoke] ... SKIPPED: not here'),
      outcome({ verdict: 'skipped', reason: 'not here' }),
    )
    assert.deepEqual(readLine('Server building... 100% complete{0} a.B.c(x) [1s] ... FAILED')?.test, 'a.B.c(x)')
    assert.equal(readLine('    {0} of something'), undefined)
    assert.equal(plainName('a.B.c[id-1,smoke]'), 'a.B.c')
  })

  test('what is said of a class holds for its tests', () => {
    const line = readLine('{0} setUpClass (a.B) [0.0s] ... FAILED')
    assert.ok(line !== undefined)
    assert.deepEqual(
      spread(line, ['a.B.c', 'a.B.d', 'a.BB.e']).map(o => [o.test, o.verdict]),
      [
        ['a.B.c', 'failed'],
        ['a.B.d', 'failed'],
      ],
    )
  })
})

test('a failure without a reason and a lost pass are broken, a late pass is mended', () => {
  const known = new Map<string, Known>([
    ['a.B.lost', { verdict: 'passed', reason: '' }],
    ['a.B.known', { verdict: 'failed', reason: 'no guest' }],
    ['a.B.late', { verdict: 'skipped', reason: 'not yet' }],
  ])
  const outcomes = [
    outcome({ test: 'a.B.lost', verdict: 'skipped' }),
    outcome({ test: 'a.B.known', verdict: 'failed' }),
    outcome({ test: 'a.B.new', verdict: 'failed' }),
    outcome({ test: 'a.B.late' }),
    outcome({ test: 'a.B.fresh', verdict: 'skipped' }),
  ]
  const { broken, mended } = compare(known, outcomes)
  assert.deepEqual(
    broken.map(o => o.test),
    ['a.B.lost', 'a.B.new'],
  )
  assert.deepEqual(
    mended.map(o => o.test),
    ['a.B.late'],
  )
})

test('options are checked before anything is installed', () => {
  assert.deepEqual(parseSuiteOptions('test:tempest', []).suites, ['tempest'])
  assert.deepEqual(parseSuiteOptions('test:clients', []).suites, clientSuites)
  assert.deepEqual(parseSuiteOptions('test:clients', ['novaclient', '--workers', '4']).workers, 4)
  assert.throws(() => parseSuiteOptions('test:tempest', ['novaclient']), /there is no suite 'novaclient'/)
  assert.throws(() => parseSuiteOptions('test:clients', ['--regex', '(']), /--regex needs a regular expression/)
  assert.throws(() => parseSuiteOptions('test:clients', ['--workers', '0']), /whole number from 1 to 64/)
})

/** Names in backticks: of a test, or of everything below a class or a module. */
const told = (): readonly string[] => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8')
  return [...page.matchAll(/`([\w.()-]+)`/g)].map(match => match[1] ?? '')
}

test('docs/compatibility.md tells of every test that does not pass', () => {
  const names = told()
  for (const suite of ['tempest', ...clientSuites]) {
    const lists = readLists(suite)
    assert.ok(lists.size > 30, `the lists of ${suite} are there`)
    for (const [name, { verdict, reason }] of lists) {
      if (verdict === 'passed') continue
      assert.notEqual(reason, '', name)
      assert.ok(
        names.some(n => name === n || name.endsWith(`.${n}`) || name.includes(`.${n}.`)),
        `${name} (${reason})`,
      )
    }
  }
})
