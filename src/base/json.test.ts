import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseForeignJson } from './json.ts'

test('JSON from outside is what it would be when it is written again', () => {
  for (const text of [
    '{"a":[1,-0.5,"\\ud83d\\ude00","\\\\ud800"]}',
    `[${'[],'.repeat(1000)}1]`,
    '"[[[["',
    '1e300',
    `"${'9'.repeat(400)}"`,
  ]) {
    const value = parseForeignJson(text)
    assert.deepEqual(value, JSON.parse(text))
    assert.deepEqual(JSON.parse(JSON.stringify(value)), value)
  }
  assert.equal(Object.hasOwn(parseForeignJson('{"__proto__":1}') as object, '__proto__'), true)
})

test('and is refused when that cannot be', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  assert.ok(parseForeignJson(nested(200)))
  for (const text of [
    '',
    '{',
    '"\\ud800"',
    '{"\\udfff":1}',
    '"\\\\\\ud800"',
    '[1e400]',
    `-${'9'.repeat(400)}`,
    nested(201),
    '{"a":'.repeat(5000),
  ]) {
    assert.throws(() => parseForeignJson(text), SyntaxError, text.slice(0, 40))
  }
})
