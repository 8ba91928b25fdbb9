/**
 * The Compute API: `kit/` knows microversions, policy and rendering, `resources/` holds one folder per resource, `accept/`
 * turns what was asked into rows and sagas. It answers from the store and never waits for a host, but for console logs.
 */
import type { IdentityPort } from '#cloud'
import type { Face } from '#http'
import type { ApiDeps } from './deps.ts'
import { inItsCell } from './in-its-cell.ts'
import { type ApiHooks, type ApiOptions, createApi, describe, type PolicyPort } from './kit/index.ts'
import { openApiPages } from './openapi/index.ts'
import { resources } from './resources/index.ts'

export { withCells } from './cell-access.ts'
export type { ApiAnswer, ApiCells, CellListOptions } from './cells.ts'
export type { ApiDeps, ApiSettings } from './deps.ts'
export { databaseQuotas, noQuotas, type QuotaSource, unifiedQuotas } from './quota/index.ts'
export { resources } from './resources/index.ts'

export interface ComputeApiSetup {
  readonly deps: ApiDeps
  readonly identity: IdentityPort
  readonly policy: PolicyPort
  readonly options?: ApiOptions
  readonly hooks?: ApiHooks
}

/** Where others are told of what happens, they are told who has asked for it. */
const inTheirName = ({ notices }: ApiDeps): Pick<ApiHooks, 'around'> =>
  notices.isOn
    ? {
        around: ({ userId, projectId }, requestId, work) => notices.as({ userId, projectId, requestId }, work),
      }
    : {}

export const createComputeApi = ({ deps, identity, policy, options, hooks }: ComputeApiSetup): Face =>
  createApi({
    resources,
    deps,
    perform: inItsCell(deps),
    identity,
    policy,
    log: deps.log,
    clock: deps.clock,
    pages: openApiPages(() => describe(resources)),
    ...(options === undefined ? {} : { options }),
    hooks: { ...hooks, ...inTheirName(deps) },
  })
