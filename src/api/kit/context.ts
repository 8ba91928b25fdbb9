import type { Log } from '#base'
import type { Caller } from '#cloud'
import type { Links } from './links.ts'
import type { Page } from './paging.ts'
import type { RawQuery } from './query.ts'
import type { Link } from './words.ts'

/** Attributes of the thing asked about, as policy rules name them: `project_id`, `user_id`. */
export type Target = Readonly<Record<string, unknown>>

/** What a handler sees of a request. All of it may be taken apart: no method needs `this`. */
export interface Context<P, B, E, Q, X extends string> {
  /** The names in braces of the route, decoded. */
  readonly path: P
  readonly query: Q
  /** The part under the envelope's key, words and digits already read as booleans and numbers. */
  readonly body: B
  /** Keys beside the envelope's key. */
  readonly envelope: E
  readonly caller: Caller
  /** The service that calls for the caller, when it sent a valid X-Service-Token. */
  readonly service: Caller | undefined
  /**
   * Checks the operation's rule, then the rules of guarded body fields; 403 otherwise. Must be called, after the
   * thing has been looked up. The default target is the caller's own project and user. `rule` takes the place of the operation's, where
   * what is asked for decides which of several rules it is.
   */
  readonly allow: (target?: Target, rule?: string) => void
  /** Like allow for another rule, named. */
  readonly insist: (rule: string, target?: Target) => void
  /** Asks without refusing. */
  readonly may: (rule: string, target?: Target) => boolean
  /** The operation's named behaviours at this version. */
  readonly behaves: Readonly<Record<X, boolean>>
  readonly links: Links
  /** limit and marker of the query; 400 when limit is not a number. */
  readonly page: () => Page
  /** The `<collection>_links` of a full page, else undefined. */
  readonly nextLinks: <T>(
    collection: string,
    items: readonly T[],
    markerOf: (item: T) => string | number,
  ) => Link[] | undefined
  readonly rawQuery: RawQuery
  /** Sets a response header, such as Location. */
  readonly header: (name: string, value: string) => void
  /** Answers with another of the declared statuses. */
  readonly answer: (status: number) => void
  readonly requestId: string
  readonly globalRequestId: string | undefined
  readonly remoteAddress: string
  /** True on the /v2 mount, where names may come with white space around them. */
  readonly isLegacy: boolean
  readonly log: Log
}
