import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { resources } from '#api'
import { type Described, describe, maxVersion, versionText } from '#api/kit'

/**
 * Every operation is one of Nova's: its route, its microversions, the rule that admits a caller, and its status. The
 * golden list holds all of Nova's routes, built here or not; names of path parameters do not matter.
 */
interface Route {
  readonly route: string
  readonly versions: string
  readonly policy: string | null
  /** By the version since when it holds. */
  readonly status: Readonly<Record<string, number>>
}

const golden: readonly Route[] = JSON.parse(readFileSync(join(import.meta.dirname, 'routes.golden.json'), 'utf8'))
const byRoute = new Map(golden.map(route => [route.route, route]))
const gone = 410

const routeOf = ({ method, path, action }: Described): string =>
  [method, path.replaceAll(/\{[^}]*\}/g, '{}'), ...(action === undefined ? [] : [action])].join(' ')

function statusOf({ versions, statusAt }: Described): Record<string, number> {
  const first = Number(versions[0]?.[0].split('.')[1])
  const steps: Record<string, number> = {}
  let last: number | undefined
  for (let version = first; version <= maxVersion; version++) {
    const status = statusAt(version)
    if (status !== last) steps[versionText(version)] = status
    last = status
  }
  return steps
}

const asBuilt = (operation: Described, known: Route | undefined): Route => ({
  route: routeOf(operation),
  versions: operation.versions.map(range => range.join('..')).join(', '),
  policy: operation.policy,
  // A route without function answers with its fault only.
  status: known?.status['2.1'] === gone ? known.status : statusOf(operation),
})

const operations = describe(resources)

for (const operation of operations) {
  const route = routeOf(operation)
  test(`${route} is as Nova has it`, () => {
    const known = byRoute.get(route)
    assert.ok(known !== undefined, 'Nova has no such route')
    assert.deepEqual(asBuilt(operation, known), known)
  })
}

test('no route is declared twice', () => {
  const routes = operations.map(routeOf)
  assert.deepEqual(
    routes.filter((route, i) => routes.indexOf(route) !== i),
    [],
  )
})

test('no route of Nova is missing', () => {
  const declared = new Set(operations.map(routeOf))
  // The document at the root of a mount needs no token and is the kit's own.
  const ownOfKit = 'GET /'
  assert.deepEqual(
    golden.map(({ route }) => route).filter(route => route !== ownOfKit && !declared.has(route)),
    [],
  )
})
