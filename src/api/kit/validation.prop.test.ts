import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { explain } from './explain.ts'
import {
  type AnyShape,
  anything,
  bool,
  description,
  either,
  exactlyOne,
  fqdn,
  intLike,
  ipAddress,
  keyed,
  legacy,
  list,
  maxVersion,
  metadata,
  name,
  nonNegative,
  num,
  numLike,
  obj,
  oneOf,
  positive,
  str,
  tag,
  text,
  tuple,
  uuid,
  uuidOrEmpty,
  ValidationError,
} from './index.ts'
import { jsonSchema } from './json-schema.ts'
import { type Node, nodeAt } from './node.ts'
import { pythonRepr } from './python-repr.ts'
import { reading } from './reading.ts'
import { validator } from './validator.ts'

/** Shapes with every keyword that Nova's schemas use. */
const shapes: Record<string, AnyShape> = {
  flavor: obj({
    name,
    id: text({ min: 1, max: 9, pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$' }).nullable().optional(),
    ram: intLike({ low: 1, high: 100 }),
    rxtx: numLike({ above: 0, high: 9, pattern: String.raw`^[0-9]+(\.[0-9]+)?$` }).optional(),
    public: bool.optional(),
    note: description.optional(),
  }),
  networks: either(list(obj({ uuid: uuid.optional(), fixed: ipAddress.optional() })), oneOf('auto', 'none')),
  tags: list(tag, { min: 1, max: 2, unique: true }),
  image: exactlyOne(uuidOrEmpty, tuple(str, num)),
  metadata,
  counts: keyed({ '^[a-z]$': positive }, { rest: nonNegative, minKeys: 1, maxKeys: 3 }),
  open: obj({ host: fqdn.nullable(), x: anything.optional() }, { rest: 'any' }),
}

const jsonLeaves = `[null, true, false, 0, 1, 7, -1, 101, 1.5, "", "1", "0", "-1", "101", "1.5", "a", "b", " a", "a ", "a:b",
  "yes", "True", "auto", "none", "AUTO", "a,b", "10.0.0.1", "fe80::1", "\\u0007", "ä", "😀",
  "00000000-0000-4000-8000-000000000000", "{00000000000040008000000000000000}"]`
const leaf = fc.constantFrom<unknown[]>(...(JSON.parse(jsonLeaves) as unknown[]), 'x'.repeat(256))
const keys = 'name id ram rxtx public note uuid fixed host x a B k.1 __proto__'.split(' ')
const key = fc.constantFrom(...keys)
const value = fc.letrec<{ any: unknown }>(tie => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(key, tie('any'), { maxKeys: 5 }),
  ),
})).any
const goodFlavor = fc.record({
  name: fc.constantFrom('a', 'a:b', 'ä'),
  ram: fc.constantFrom(1, '7', 100),
  public: fc.constantFrom(true, 'yes', 'off'),
})
const likelyFlavor = fc.record(
  { name: leaf, ram: leaf, id: leaf, rxtx: leaf, public: leaf, note: leaf },
  { requiredKeys: ['name', 'ram'] },
)

const nodeOf = (shape: AnyShape, version: number): Node => nodeAt(shape, version) ?? { kind: 'any' }

describe('validation', () => {
  for (const [title, shape] of Object.entries(shapes)) {
    test(`the compiled validator and the explanation agree: ${title}`, () => {
      let accepted = 0
      for (const version of [legacy, maxVersion]) {
        const schema = jsonSchema(nodeOf(shape, version))
        const check = validator(schema, 'body')
        fc.assert(
          fc.property(
            fc.oneof(value, likelyFlavor, goodFlavor, fc.dictionary(key, leaf), fc.array(leaf, { maxLength: 3 }), leaf),
            candidate => {
              let refusal: unknown
              try {
                check(structuredClone(candidate))
              } catch (error) {
                refusal = error
              }
              const complaint = explain(schema, candidate)
              assert.equal(
                refusal === undefined,
                complaint === undefined,
                complaint?.message ?? 'refused without a reason',
              )
              if (refusal === undefined) accepted++
              else assert.ok(ValidationError.is(refusal) && refusal.message !== 'Invalid input received.')
            },
          ),
          { numRuns: 800, seed: 4711 },
        )
      }
      assert.ok(accepted > 0, 'some values fit')
    })
  }

  test('what is read fits no less than what was sent, and reading again changes nothing', () => {
    const node = nodeOf(obj({ count: positive, on: bool, tags: list(either(positive, bool)) }), maxVersion)
    const read = reading(node)
    assert.ok(read)
    const once = read({ count: '5', on: 'off', tags: ['1', 'yes', 3, false] })
    assert.deepEqual(once, { count: 5, on: false, tags: [1, true, 3, false] })
    assert.deepEqual(read(structuredClone(once)), once)
  })
})

test('values are printed as Python prints them', () => {
  const cases: [unknown, string][] = [
    [{ a: true, b: null, c: [1, 2.5, 'x'] }, "{'a': True, 'b': None, 'c': [1, 2.5, 'x']}"],
    ["it's", `"it's"`],
    [`it's "both"`, `'it\\'s "both"'`],
    ['tab\tnew\nback\\bell\u0007ä\u200b😀', "'tab\\tnew\\nback\\\\bell\\x07ä\\u200b😀'"],
  ]
  for (const [input, printed] of cases) assert.equal(pythonRepr(input), printed)
})
