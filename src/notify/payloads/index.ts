import type { Declaration } from './fields.ts'
import { instancePayloads } from './instance.ts'
import { otherPayloads } from './others.ts'
import { requestSpecPayloads } from './request-spec.ts'

/** Every payload by its object name, with version and fields: facts of Nova's master of August 2026. */
export const payloads = { ...instancePayloads, ...otherPayloads, ...requestSpecPayloads } as const

export type PayloadName = keyof typeof payloads

/** An object on the wire, as oslo.versionedobjects writes it. */
export interface Wire<N extends string = string> {
  readonly 'nova_object.name': N
  readonly 'nova_object.namespace': 'nova'
  readonly 'nova_object.version': string
  readonly 'nova_object.data': Readonly<Record<string, unknown>>
}

interface Plain {
  string: string
  integer: number
  float: number
  boolean: boolean
  datetime: string
  strings: readonly string[]
  dict: Readonly<Record<string, string>>
  lists: unknown
  integers: Readonly<Record<string, number>>
  specs: readonly Readonly<Record<string, string | null>>[]
  set: readonly number[]
}

type Value<F> = F extends `${infer Inner}?`
  ? Value<Inner> | null
  : F extends keyof Plain
    ? Plain[F]
    : F extends `object ${infer N}`
      ? Wire<N>
      : F extends `objects ${infer N}`
        ? readonly Wire<N>[]
        : never

type FieldsOf<N extends PayloadName> = (typeof payloads)[N]['fields']
export type DataOf<N extends PayloadName> = (typeof payloads)[N] extends { readonly isSparse: true }
  ? { readonly [F in keyof FieldsOf<N>]?: Value<FieldsOf<N>[F]> }
  : { readonly [F in keyof FieldsOf<N>]: Value<FieldsOf<N>[F]> }

export function wire<N extends PayloadName>(name: N, data: DataOf<N>): Wire<N> {
  const { version }: Declaration = payloads[name]
  return {
    'nova_object.name': name,
    'nova_object.namespace': 'nova',
    'nova_object.version': version,
    'nova_object.data': data,
  }
}
