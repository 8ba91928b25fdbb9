import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { resources } from '#api'
import { legacy, maxVersion, minor } from '#api/kit'
import { CompiledEndpoint } from '../../src/api/kit/compiled.ts'
import type { Endpoint } from '../../src/api/kit/operation.ts'
import type { Notation } from './notation.ts'

const read = <T>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, 'reference', name), 'utf8')) as T

/** One shape and the microversions it holds for. */
export interface ShapeRange {
  readonly from: string
  readonly to: string
  readonly shape: Notation
}

export interface RouteShapes {
  readonly body?: readonly ShapeRange[]
  readonly query?: readonly ShapeRange[]
  readonly response?: readonly ShapeRange[]
}

/** By `METHOD path` or `METHOD path action`, names of path parameters left out. */
export const nameless = (route: string): string => route.replaceAll(/\{[^}]*\}/g, '{}')

export const schemas: ReadonlyMap<string, RouteShapes> = new Map(
  Object.entries(read<Record<string, RouteShapes>>('api-schemas.json')).map(([route, shapes]) => [
    nameless(route),
    shapes,
  ]),
)

export interface Sample {
  readonly file: string
  readonly method: string
  readonly path: string
  readonly action?: string
  readonly microversion: string
  readonly kind: 'request' | 'response'
  /** What a running Nova answered; missing where it was not observed. */
  readonly status?: number
  /** The route has gone from today's Nova. */
  readonly removed?: boolean
  readonly seen?: boolean
  readonly document: unknown
}

export const samples = read<readonly Sample[]>('api-samples.json')

export const routeOf = (at: { method: string; path: string; action?: string | undefined }): string =>
  nameless([at.method, at.path === '' ? '/' : at.path, ...(at.action === undefined ? [] : [at.action])].join(' '))

/** Every operation of ours with what the reference says of its route. */
export const compiled: ReadonlyMap<string, CompiledEndpoint> = new Map(
  resources
    .flatMap(resource => resource.endpoints as readonly Endpoint<never>[])
    .map(endpoint => [routeOf(endpoint), new CompiledEndpoint(endpoint)]),
)

export const versionOf = (text: string): number => (text === 'v2' ? legacy : minor(text as `2.${number}`))

/** The versions to look at: the ends of every range of the reference and of every cut of ours that fall into it. */
export function versionsIn(range: ShapeRange, endpoint: CompiledEndpoint): readonly number[] {
  if (range.from === 'v2') return [legacy]
  const [from, to] = [versionOf(range.from), versionOf(range.to)]
  const within = endpoint.cuts.flatMap(cut => [cut - 1, cut]).filter(cut => cut > from && cut < to)
  return [...new Set([from, ...within, Math.min(to, maxVersion)])].filter(version => endpoint.at(version).exists)
}
