import type { Fault, Log } from '#base'
import type { Caller, IdentityPort } from '#cloud'
import type { Complaint } from './explain.ts'
import type { Endpoint } from './operation.ts'
import type { PolicyPort } from './policy-port.ts'
import type { Router } from './router.ts'

export interface ApiOptions {
  /** compute_link_prefix: what stands before the path of every link. */
  readonly computeLinkPrefix?: string
  /** [api]max_limit. */
  readonly maxLimit?: number
  /** www_authenticate_uri of the 401 answer. */
  readonly authUri?: string
  /** enable_proxy_headers_parsing: believe X-Forwarded-Proto and X-Forwarded-Host. */
  readonly trustProxyHeaders?: boolean
  /** max_request_body_size. */
  readonly bodyLimit?: number
}

/** `on…` are what tests want to hear of; production leaves them out. */
export interface ApiHooks {
  /** Runs an operation so that whatever it does is known to be done for that caller's request. */
  readonly around?: (caller: Caller, requestId: string, work: () => Promise<unknown>) => Promise<unknown>
  /** A fault reached the edge that the operation does not list; the client has got a 500. */
  readonly onUnlistedFault?: (fault: Fault, endpoint: Endpoint<never>) => void
  /** Given, every reply is checked against its declared shape. */
  readonly onBadReply?: (complaint: Complaint, endpoint: Endpoint<never>, version: number) => void
}

/** Gives the handler of an endpoint what it works with, by the names in its path. */
export type Perform<D> = (
  endpoint: Endpoint<never>,
  path: Readonly<Record<string, string>>,
  work: (deps: D) => Promise<unknown>,
) => Promise<unknown>

/** Everything the pipeline works with that is not the request. */
export interface ApiParts {
  readonly router: Router
  readonly identity: IdentityPort
  readonly policy: PolicyPort
  readonly log: Log
  readonly perform: Perform<unknown>
  readonly hooks: ApiHooks
  readonly options: ApiOptions & { readonly maxLimit: number; readonly authUri: string }
}
