import * as fc from 'fast-check'
import { type Described, legacy, minor, type VersionText, versionText } from '#api/kit'
import type { CompiledEndpoint } from '../../../src/api/kit/compiled.ts'
import type { Json, Person } from '../../api/harness.ts'
import { type RouteShapes, versionOf } from '../reference.ts'
import { queriesOf, valuesOf } from '../values.ts'
import { headerSets, methods, pathWords, queryStrings, spoiled, wholeBodies } from './hostile.ts'

/** One request, before the ids of its path are known. */
export interface Plan {
  readonly version: number
  readonly method?: string
  readonly who: number
  /** Takes the place of a word of the path, counted from the end. */
  readonly word?: readonly [number, string]
  readonly tail?: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Subject {
  readonly operation: Described
  readonly endpoint: CompiledEndpoint
  readonly shapes: RouteShapes | undefined
  /** A body that would be accepted. */
  readonly good: Json
}

const textOf = (value: unknown): string => JSON.stringify(value) ?? 'null'

/** Bodies near the shape that the reference has for this version. */
function nearBodies({ shapes, good }: Subject, version: number): fc.Arbitrary<string | Buffer> {
  const fits = shapes?.body?.find(({ from, to }) =>
    version === legacy
      ? from === 'v2' || from === '2.1'
      : from !== 'v2' && versionOf(from) <= version && versionOf(to) >= version,
  )
  const near = fits === undefined ? fc.constant(textOf(good)) : valuesOf(fits.shape).map(textOf)
  return fc.oneof(
    { weight: 3, arbitrary: near },
    { weight: 4, arbitrary: spoiled(good) },
    { weight: 1, arbitrary: fc.constant(textOf(good)) },
  )
}

function knownNames({ operation }: Subject, version: number): string[] {
  const schema = operation.schemaAt('query', version) as { properties?: object } | undefined
  return Object.keys(schema?.properties ?? {})
}

function nearQueries(subject: Subject, version: number): fc.Arbitrary<string> {
  const fits = subject.shapes?.query?.find(
    ({ from, to }) => from !== 'v2' && versionOf(from) <= version && versionOf(to) >= version,
  )
  const hostile = queryStrings(knownNames(subject, version))
  if (fits === undefined) return hostile
  const near = queriesOf(fits.shape).map(query => {
    const pairs = Object.entries(query).flatMap(([name, values]) => values.map(value => [name, value.toWellFormed()]))
    return `?${new URLSearchParams(pairs)}`
  })
  return fc.oneof({ weight: 2, arbitrary: hostile }, { weight: 1, arbitrary: near })
}

/** The ends of an operation's life and the versions at which it changes, the legacy endpoint, and now and then one where it is not. */
function versionsOf({ operation }: Subject): fc.Arbitrary<number> {
  const ends = operation.versions.flat().map(text => minor(text as VersionText))
  const cuts = operation.cuts.map(text => minor(text as VersionText))
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...new Set([...ends, ...cuts])) },
    { weight: 2, arbitrary: fc.constant(legacy) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 104 }) },
  )
}

/** Each plan is bad in one way, or in none. */
export function plansOf(subject: Subject): fc.Arbitrary<Plan> {
  const hasBody = subject.operation.method === 'POST' || subject.operation.method === 'PUT'
  return fc
    .tuple(versionsOf(subject), fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2))
    .chain(([version, who]): fc.Arbitrary<Plan> => {
      const usual: Plan = { version, who, ...(hasBody ? { body: textOf(subject.good) } : {}) }
      const change = (changes: fc.Arbitrary<Partial<Plan>>) => changes.map(changed => ({ ...usual, ...changed }))
      return fc.oneof(
        {
          weight: hasBody ? 12 : 1,
          arbitrary: change(fc.record({ body: hasBody ? nearBodies(subject, version) : wholeBodies })),
        },
        { weight: hasBody ? 2 : 8, arbitrary: change(fc.record({ query: nearQueries(subject, version) })) },
        { weight: hasBody ? 3 : 1, arbitrary: change(fc.record({ body: wholeBodies })) },
        { weight: 3, arbitrary: change(fc.record({ word: fc.tuple(fc.nat({ max: 3 }), pathWords) })) },
        { weight: 1, arbitrary: change(fc.record({ tail: pathWords.map(word => `/${word}`) })) },
        { weight: 2, arbitrary: change(fc.record({ headers: headerSets })) },
        { weight: 1, arbitrary: change(fc.record({ method: methods })) },
      )
    })
}

/** As it goes over the wire. */
export function requestOf(plan: Plan, operation: Described, words: readonly string[], person: Person) {
  const path = [...words]
  if (plan.word !== undefined) path[Math.max(path.length - 1 - plan.word[0], 0)] = plan.word[1]
  const mount = plan.version === legacy ? '/v2' : '/v2.1'
  return {
    method: plan.method ?? operation.method,
    path: `${mount}/${path.join('/')}${plan.tail ?? ''}${plan.query ?? ''}`,
    headers: {
      'x-auth-token': person.token,
      ...(plan.version === legacy ? {} : { 'openstack-api-version': `compute ${versionText(plan.version)}` }),
      ...(plan.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...plan.headers,
    },
    ...(plan.body === undefined ? {} : { body: plan.body }),
  }
}
