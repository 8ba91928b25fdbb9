import type { Context } from './context.ts'
import { type QueryIn, type QueryShape, query } from './query.ts'
import { type AnyShape, type Fields, type In, type InOf, type Out, type OutOf, Shape } from './shape.ts'
import { anything, obj } from './shapes.ts'
import { always, everywhere, type Span, Stepped } from './stepped.ts'

declare const handled: unique symbol
declare const around: unique symbol

/** A request body: its wire shape, and which part of it the handler reads as `body`. */
export interface Request<B, E> {
  readonly shape: AnyShape
  readonly key: string | undefined
  readonly [handled]?: B
  readonly [around]?: E
}

/** A reply: its wire shape, and which part of it the handler returns. */
export interface Reply<R> {
  readonly shape: AnyShape
  readonly key: string | undefined
  readonly [handled]?: R
}

/** `{"key": {...}}`: the handler's `body` is the inner object; `beside` are optional keys next to it, read as `envelope`. */
export const request = <const F extends Fields, const B extends Fields = Record<never, never>>(
  key: string,
  fields: F,
  beside?: B,
): Request<InOf<F>, InOf<B>> => ({ shape: obj({ [key]: obj(fields), ...beside }), key })

/** A body as it is; for an action: the value under the action's name. */
export const bare = <S extends AnyShape>(shape: S): Request<In<S>, undefined> => ({ shape, key: undefined })

/** `reply('keypair', {...fields})`, `reply('servers', list(...))`, or the whole answer: `reply(obj({...}))`. */
export function reply<const F extends Fields>(key: string, fields: F): Reply<OutOf<F>>
export function reply<S extends AnyShape>(key: string, shape: S): Reply<Out<S>>
export function reply<S extends AnyShape>(shape: S): Reply<Out<S>>
export function reply(first: string | AnyShape, inner: Fields | AnyShape = anything): Reply<never> {
  if (typeof first !== 'string') return { shape: first, key: undefined }
  return { shape: obj({ [first]: inner instanceof Shape ? inner : obj(inner) }), key: first }
}

/** Everything a client may rely on about one operation, and the code that does it. */
export interface OperationText<D, P, B, E, Q extends Fields, R, X extends string> {
  /** The microversions that have it; elsewhere 404. Default: all. */
  readonly exists?: Span
  /** HTTP status of success; default 200. */
  readonly status?: number | Stepped<number>
  /** Other statuses the handler may set with `answer(status)`. */
  readonly alsoStatus?: readonly number[]
  /** The rule checked by `allow()`, which the handler must call; null: open to every caller with a token. */
  readonly policy: string | null
  /** Further rules the handler asks for by name. Guarded fields need not be repeated here. */
  readonly alsoPolicies?: readonly string[]
  readonly query?: Q | QueryShape<Q>
  readonly body?: Request<B, E>
  /** Nothing: an empty answer. */
  readonly reply?: Reply<R>
  /** Codes of the faults a client may meet, with their status. Any other fault is a 500. */
  readonly faults?: Readonly<Record<string, number | Stepped<number>>>
  /** Changes of behaviour that no shape shows; the handler asks `behaves.name`. */
  readonly behaviours?: Readonly<Record<X, Stepped<boolean>>>
  readonly summary?: string
  handle(
    context: Context<P, NoInfer<B>, NoInfer<E>, QueryIn<NoInfer<Q>>, NoInfer<X>>,
    deps: D,
  ): Promise<NoInfer<R>> | NoInfer<R>
}

/** An operation with all defaults filled in and its types folded away, except what resource() must check. */
export interface Operation<D, P> {
  readonly exists: Stepped<boolean>
  readonly status: Stepped<number>
  readonly alsoStatus: readonly number[]
  readonly policy: string | null
  readonly alsoPolicies: readonly string[]
  readonly query: QueryShape | undefined
  readonly body: { readonly shape: AnyShape; readonly key: string | undefined } | undefined
  readonly reply: { readonly shape: AnyShape; readonly key: string | undefined } | undefined
  readonly faults: Readonly<Record<string, Stepped<number>>>
  readonly behaviours: Readonly<Record<string, Stepped<boolean>>>
  readonly summary: string | undefined
  /** Method syntax on purpose: resources with different dependencies live in one list. */
  handle(context: never, deps: D): unknown
  readonly path?: (path: P) => void
}

const stepped = (value: number | Stepped<number>): Stepped<number> =>
  typeof value === 'number' ? always(value) : value

const isQueryShape = (value: Fields | QueryShape): value is QueryShape => value['lists'] instanceof Set

function declare<D, P, B, E, Q extends Fields, R, X extends string>(
  text: OperationText<D, P, B, E, Q, R, X>,
): Operation<D, P> {
  const asked: Fields | QueryShape | undefined = text.query
  return {
    exists: text.exists ?? everywhere,
    status: stepped(text.status ?? 200),
    alsoStatus: text.alsoStatus ?? [],
    policy: text.policy,
    alsoPolicies: text.alsoPolicies ?? [],
    query: asked === undefined || isQueryShape(asked) ? asked : query(asked),
    body: text.body,
    reply: text.reply,
    faults: Object.fromEntries(Object.entries(text.faults ?? {}).map(([code, status]) => [code, stepped(status)])),
    behaviours: text.behaviours ?? {},
    summary: text.summary,
    handle: (context, deps) => text.handle(context, deps),
  }
}

/**
 * `const op = operation<MyDeps>()`, then `op({...})` for each operation of the resource. An operation declared away from
 * its route names the route's parameters: `operation<MyDeps, { id: string }>()`.
 */
export const operation =
  <D, Path = unknown>() =>
  <
    P = Path,
    B = undefined,
    E = undefined,
    const Q extends Fields = Record<never, never>,
    R = void,
    X extends string = never,
  >(
    text: OperationText<D, P, B, E, Q, R, X>,
  ): Operation<D, P> =>
    declare(text)

/** Text between braces in a route: `/servers/{id}/tags/{tag}` gives `{ id: string; tag: string }`. */
export type PathOf<Route extends string> = Route extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & PathOf<Rest>
  : unknown

/** One operation at one place. */
export interface Endpoint<D> {
  readonly method: string
  /** Relative to the mount, with names in braces. */
  readonly path: string
  /** For `POST …/action`: the one key of the body. */
  readonly action: string | undefined
  readonly operation: Operation<D, never>
}

export interface Resource<D> {
  readonly endpoints: readonly Endpoint<D>[]
}

type Routes<Prefix extends string, D, R> = {
  [K in keyof R]: Operation<D, PathOf<`${Prefix}${K & string}`>>
}

/**
 * The operations under one path. Keys are `'GET /'`, `'DELETE /{id}'`, `'POST /{id}/action reboot'`; the names in braces
 * (those of the prefix too) arrive in the handler as `path.id`.
 */
export function resource<const Prefix extends string, D, R>(prefix: Prefix, routes: Routes<Prefix, D, R>): Resource<D> {
  const endpoints = Object.entries(routes as Record<string, Operation<D, never>>).map(([key, operation]) => {
    const [method, path, action] = key.split(' ')
    if (method === undefined || path === undefined) throw new Error(`not a route: ${key}`)
    return { method, path: prefix + (path === '/' ? '' : path), action, operation }
  })
  return { endpoints }
}
