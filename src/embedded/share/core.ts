import { type Clock, fromJson, type Log } from '#base'
import { noShare, policyForbids } from './faults.ts'
import type { Folders } from './folders.ts'
import type { ShareRow } from './store/rows.ts'
import type { ShareState } from './store/state.ts'

/** What every piece of the service works with. */
export interface Core {
  readonly state: ShareState
  readonly folders: Folders
  readonly clock: Clock
  readonly log: Log
  /** The one availability zone. */
  readonly zone: string
  /** `<host>@folders#folders`, as Manila names a pool. */
  readonly pool: string
  /** What goes on after the answer; awaited when the service closes. */
  readonly later: (what: string, work: () => Promise<void>) => void
}

/** Whose rights count. */
export interface Actor {
  readonly projectId: string
  readonly userId: string
  readonly isAdmin: boolean
  readonly canWrite: boolean
  /** A service of this cloud, like Nova. */
  readonly isService: boolean
}

export const mapOf = (json: string): Record<string, string> => fromJson<Record<string, string>>(json)

export const requireWriter = (actor: Actor, action: string): void => {
  if (!actor.canWrite) throw policyForbids(action)
}

export const requireAdmin = (actor: Actor, action: string): void => {
  if (!actor.isAdmin) throw policyForbids(action)
}

export const owns = (actor: Actor, row: { project_id: string }): boolean =>
  actor.isAdmin || row.project_id === actor.projectId

/** The share, or 404 when there is none or the caller may not know: a public one is for everybody to see. */
export function seenShare(core: Core, actor: Actor, id: string): ShareRow {
  const row = core.state.table('share_shares').get(id)
  if (row === undefined || (!owns(actor, row) && row.is_public === 0)) throw noShare(id)
  return row
}

/** The share, for who may change it. */
export function ownShare(core: Core, actor: Actor, id: string, action: string): ShareRow {
  requireWriter(actor, action)
  const row = seenShare(core, actor, id)
  if (!owns(actor, row)) throw policyForbids(action)
  return row
}

/** One atomic change of one share; `next` sees the newest row and may throw. */
export function changeShare(core: Core, id: string, next: (row: ShareRow) => ShareRow): Promise<ShareRow> {
  return core.state.change(change => {
    const row = core.state.table('share_shares').get(id)
    if (row === undefined) throw noShare(id)
    const changed = { ...next(row), updated_at_ms: core.clock.now() }
    change.put('share_shares', changed)
    return changed
  })
}
