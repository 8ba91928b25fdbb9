import { type Clock, Fault, fromJson, type Log, newUuid } from '#base'
import type { As, ImagePort } from '#cloud'
import { noVolume, PolicyForbids } from './faults.ts'
import type { VolumeFiles } from './files.ts'
import type { VolumeRow } from './store/rows.ts'
import type { VolumeChange, VolumeState } from './store/state.ts'
import type { Work } from './work.ts'

/** Something happened to a volume that servers have: one server external event for each of them. */
export interface VolumeEvent {
  readonly name: 'volume-extended' | 'volume-reimaged'
  readonly serverIds: readonly string[]
  readonly volumeId: string
  readonly isFailed: boolean
}

/** What Nova is told, and asked, by the volume service. */
export interface ComputeLink {
  /** Rejects when Nova cannot be reached. */
  tell(event: VolumeEvent): Promise<void>
  /** The attachment by which the server has the volume; undefined when Nova knows of none. */
  attachmentOf(as: As, serverId: string, volumeId: string): Promise<string | undefined>
}

/** What every piece of the service works with. */
export interface Core {
  readonly state: VolumeState
  readonly files: VolumeFiles
  readonly images: ImagePort
  readonly compute: ComputeLink
  readonly work: Work
  readonly clock: Clock
  readonly log: Log
  /** The one availability zone. */
  readonly zone: string
  /** `<host>@files#files`, as Cinder names a pool. */
  readonly pool: string
}

/** Whose rights count. */
export interface Actor {
  readonly as: As
  readonly projectId: string
  readonly userId: string
  readonly isAdmin: boolean
  readonly canWrite: boolean
  /** A service of this cloud calls, for somebody: it may take attachments away that servers use. */
  readonly isService: boolean
  readonly requestId: string
}

/** What is being done with a volume's content, as the row keeps it. */
export type VolumeTask =
  | { readonly kind: 'create' | 'delete' | 'revert' }
  | { readonly kind: 'extend'; readonly sizeGiB: number; readonly serverIds: readonly string[] }
  | { readonly kind: 'reimage'; readonly imageId: string; readonly serverIds: readonly string[] }
  | { readonly kind: 'upload'; readonly imageId: string }

export const taskOf = (row: VolumeRow): VolumeTask | undefined =>
  row.task === null ? undefined : fromJson<VolumeTask>(row.task)

export const mapOf = (json: string | null): Record<string, string> =>
  json === null ? {} : fromJson<Record<string, string>>(json)

export const requireWriter = (actor: Actor, action: string): void => {
  if (!actor.canWrite) throw PolicyForbids({ action })
}

export const requireAdmin = (actor: Actor, action: string): void => {
  if (!actor.isAdmin) throw PolicyForbids({ action })
}

export const owns = (actor: Actor, row: { project_id: string }): boolean =>
  actor.isAdmin || row.project_id === actor.projectId

/** The volume, or 404 when there is none or the caller may not know. */
export function seenVolume(core: Core, actor: Actor, id: string): VolumeRow {
  const row = core.state.table('volume_volumes').get(id)
  if (row === undefined || !owns(actor, row)) throw noVolume(id)
  return row
}

/** One atomic change of one volume; `next` sees the newest row and may throw, or give it back to change nothing. */
export function changeVolume(
  core: Core,
  id: string,
  next: (row: VolumeRow, change: VolumeChange) => VolumeRow,
): Promise<VolumeRow> {
  return core.state.change(change => {
    const row = core.state.table('volume_volumes').get(id)
    if (row === undefined) throw noVolume(id)
    return putVolume(core, change, row, next(row, change))
  })
}

export function putVolume(core: Core, change: VolumeChange, old: VolumeRow, row: VolumeRow): VolumeRow {
  if (row === old) return old
  const changed = { ...row, updated_at_ms: core.clock.now() }
  change.put('volume_volumes', changed)
  return changed
}

/** As `changeVolume`, for work in the background: a volume that is gone meanwhile is no error. */
export async function settleVolume(core: Core, id: string, next: (row: VolumeRow) => VolumeRow): Promise<void> {
  await core.state.change(change => {
    const row = core.state.table('volume_volumes').get(id)
    if (row !== undefined) putVolume(core, change, row, next(row))
  })
}

/** Cinder's numbers and words for what failed. */
const failures = {
  place: ['003', '001', 'schedule allocate volume:Could not find any available weighted backend.'],
  create: ['009', '008', 'create volume from backend storage:Driver failed to create the volume.'],
  image: ['009', '005', 'copy image to volume:An unknown error occurred.'],
  snapshot: ['013', '009', 'create snapshot:Snapshot failed to create.'],
  extend: ['010', '007', 'extend volume:Volume Driver failed to extend volume.'],
  extendNotice: ['009', '007', 'extend volume:Compute service failed to extend volume.'],
  reimage: ['028', '016', 'reimage volume:Compute service failed to reimage volume.'],
  upload: ['004', '003', 'copy volume to image:Failed to upload volume to image at backend.'],
} as const

/** Leaves the owner a message about a failure that came after the answer, with the reason if it is one for users. */
export async function leaveMessage(
  core: Core,
  about: { id: string; project_id: string; type: 'VOLUME' | 'VOLUME_SNAPSHOT' },
  kind: keyof typeof failures,
  error: unknown,
): Promise<void> {
  const [detail, action, text] = failures[kind]
  const reason = error instanceof Fault && error.kind === 'refused' ? ` ${error.message}` : ''
  await core.state.change(change =>
    change.put('volume_messages', {
      id: newUuid(),
      project_id: about.project_id,
      resource_id: about.id,
      resource_type: about.type,
      event_id: `VOLUME_${about.type}_${action}_${detail}`,
      text: `${text}${reason}`,
      request_id: '',
      created_at_ms: core.clock.now(),
    }),
  )
}
