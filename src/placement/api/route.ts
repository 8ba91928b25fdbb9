import type { SearchOptions } from '../engine/candidates.ts'
import type { Ledger } from '../ledger.ts'
import type { Cuts } from './schemas/words.ts'
import type { Behaviour } from './versions.ts'

/** One request, past version, policy and form. */
export interface Call {
  readonly ledger: Ledger
  readonly search: SearchOptions
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** As the route's schema for this version says. */
  readonly body: unknown
  readonly minor: number
  /** `http://host:port`, for locations. */
  readonly origin: string
  has(behaviour: Behaviour): boolean
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
  /** A path below the origin. */
  readonly location?: string
  /** When what is shown last changed; undefined stands for now. Sent since 1.15. */
  readonly modifiedMs?: number
  /** False for replies that never carried cache headers. */
  readonly cacheable?: boolean
}

/** Who may: `open` is everybody without a token. */
export type Audience = 'open' | 'operators' | 'operators-and-project-readers'

export interface Route {
  /** The rule's name in policy files and refusals. */
  readonly policy: string
  readonly audience?: Audience
  /** The minor version that brought it, and what an older one answers. */
  readonly since?: number
  readonly before?: 404 | 405
  readonly query?: Cuts
  /** Present when the request carries JSON. */
  readonly body?: Cuts
  /** A missing provider is a 404 before the body is looked at. */
  readonly providerFirst?: true
  /** Versions before this need a body, later ones ignore it. */
  readonly bodyUntil?: number
  readonly answer: (call: Call) => Promise<Reply>
}

/** By path (fastify's form), then method. The order of methods is that of the Allow header. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>
