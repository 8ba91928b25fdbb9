import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { legacy, ValidationError, versionText } from '#api/kit'
import { accepts } from './accepts.ts'
import type { Notation } from './notation.ts'
import { compiled, type ShapeRange, schemas, versionsIn } from './reference.ts'
import { queriesOf, valuesOf } from './values.ts'

/**
 * Bodies and query strings near each shape of the reference, most of them fitting, get the same answer from our validators
 * as from the reference: at every microversion at which either of them changes.
 */
const seed = Number(process.env['SEED'] ?? 4711)
const numRuns = Number(process.env['RUNS'] ?? 120)

function isAccepted(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (ValidationError.is(error)) return false
    throw error
  }
}

/** Where the reference does not name the action, anything goes under its name. */
function bodiesOf(shape: Notation, action: string | undefined): fc.Arbitrary<unknown> {
  const isNamed = typeof shape === 'object' && action !== undefined && (`${action}!` in shape || action in shape)
  if (action === undefined || isNamed) return valuesOf(shape)
  return valuesOf('any').map(value => ({ [action]: value }))
}

/** The legacy endpoint has the shape of 2.1 where it has none of its own. */
const withLegacy = (ranges: readonly ShapeRange[]): readonly ShapeRange[] => {
  const [first] = ranges
  if (first === undefined || first.from !== '2.1') return ranges
  return [{ ...first, from: 'v2', to: 'v2' }, ...ranges]
}

const nameOf = (version: number): string => (version === legacy ? 'the legacy endpoint' : versionText(version))

interface Case {
  readonly what: string
  readonly shape: Notation
  readonly values: fc.Arbitrary<unknown>
  readonly read: (value: unknown) => unknown
  readonly version: number
  /** A body with any other key than the action's, or beside it, never comes here. */
  readonly action: string | undefined
}

function compare({ what, shape, values, read, version, action }: Case): number {
  let agreed = 0
  const isForAnotherStage = (value: unknown): boolean => {
    if (action === undefined) return false
    const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
    return keys.length !== 1 || keys[0] !== action
  }
  fc.assert(
    fc.property(values, value => {
      const expected = accepts(shape, value, version === legacy)
      if (expected === 'unknown' || isForAnotherStage(value)) return
      const found = isAccepted(() => read(structuredClone(value)))
      assert.equal(
        found ? 'accepted' : 'refused',
        expected,
        `${what} at ${nameOf(version)}: ${JSON.stringify(value)} should be ${expected}`,
      )
      if (found) agreed++
    }),
    { numRuns, seed },
  )
  return agreed
}

for (const [route, endpoint] of compiled) {
  const shapes = schemas.get(route)
  const { body = [], query = [] } = shapes ?? {}
  if (body.length === 0 && query.length === 0) continue
  const { action } = endpoint.endpoint
  test(`${route} accepts what Nova accepts`, () => {
    for (const range of withLegacy(body)) {
      for (const version of versionsIn(range, endpoint)) {
        const accepted = compare({
          what: 'body',
          shape: range.shape,
          values: bodiesOf(range.shape, action),
          read: value => endpoint.at(version).readBody(value),
          version,
          action,
        })
        assert.ok(accepted > 0, `no body was accepted at ${nameOf(version)}`)
      }
    }
    for (const range of query) {
      for (const version of versionsIn(range, endpoint)) {
        compare({
          what: 'query',
          shape: range.shape,
          values: queriesOf(range.shape),
          read: value => endpoint.at(version).readQuery(value as Record<string, string[]>),
          version,
          action,
        })
      }
    }
  })
}
