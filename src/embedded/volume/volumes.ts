import { newUuid } from '#base'
import { fillVolume, removeVolume } from './content.ts'
import { type Actor, type Core, changeVolume, requireWriter, seenVolume } from './core.ts'
import { InvalidZone, invalidInput, invalidVolume } from './faults.ts'
import { requireQuota, requireSize } from './quotas.ts'
import { seenSnapshot } from './snapshots.ts'
import { imageByRef, imageMetadataOf, requireUsable, type Source } from './sources.ts'
import type { SnapshotRow, TypeRow, VolumeRow } from './store/rows.ts'
import type { VolumeChange } from './store/state.ts'
import { defaultType, isEncrypted, isMultiattach, typeByNameOrId } from './types.ts'

export interface VolumeWish {
  readonly name: string | null
  readonly description: string | null
  readonly sizeGiB: number | undefined
  readonly imageRef: string | undefined
  readonly snapshotId: string | undefined
  readonly sourceVolumeId: string | undefined
  /** Name or id. */
  readonly type: string | undefined
  readonly zone: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** Also without a type that says so. */
  readonly isMultiattach?: boolean
}

/** Cinder without a key manager has one key, with this id. */
const fixedKeyId = '00000000-0000-0000-0000-000000000000'

async function sourceOf(core: Core, actor: Actor, wish: VolumeWish): Promise<Source> {
  const snapshot = wish.snapshotId === undefined ? undefined : seenSnapshot(core, actor, wish.snapshotId)
  const volume = wish.sourceVolumeId === undefined ? undefined : seenVolume(core, actor, wish.sourceVolumeId)
  const image = wish.imageRef === undefined ? undefined : await imageByRef(core, actor, wish.imageRef)
  if (volume !== undefined) return { kind: 'volume', row: volume }
  if (snapshot !== undefined) return { kind: 'snapshot', row: snapshot }
  return image === undefined ? { kind: 'blank' } : { kind: 'image', image }
}

/** The newest row of a source; it may have gone or changed while its image was looked at. */
function newest(core: Core, actor: Actor, source: Source): Source {
  if (source.kind === 'volume') return { kind: 'volume', row: seenVolume(core, actor, source.row.id) }
  if (source.kind === 'snapshot') return { kind: 'snapshot', row: seenSnapshot(core, actor, source.row.id) }
  return source
}

const sourceRow = (source: Source): VolumeRow | SnapshotRow | undefined =>
  source.kind === 'volume' || source.kind === 'snapshot' ? source.row : undefined

function typeFor(core: Core, actor: Actor, wished: TypeRow | undefined, source: Source): TypeRow {
  const row = sourceRow(source)
  const sourceType = row === undefined ? undefined : core.state.table('volume_types').get(row.volume_type_id)
  if (sourceType === undefined) return wished ?? defaultType(core.state, actor.projectId)
  if (wished === undefined || wished.id === sourceType.id) return sourceType
  if (isEncrypted(core.state, wished) !== isEncrypted(core.state, sourceType)) {
    const advice =
      source.kind === 'volume'
        ? 'either match source volume, or omit type argument'
        : 'recommend omitting the type argument'
    throw invalidInput(`Invalid volume_type provided: ${wished.id} (requested type is not compatible; ${advice}).`)
  }
  return wished
}

function sizeFor(wish: VolumeWish, source: Source): number {
  const size = wish.sizeGiB ?? sourceRow(source)?.size_gib
  if (size !== undefined) return size
  throw invalidInput("Volume size 'None' must be an integer and greater than 0")
}

/** Writes the new row, `creating`, and starts making its content. */
export async function createVolume(core: Core, actor: Actor, wish: VolumeWish): Promise<VolumeRow> {
  requireWriter(actor, wish.imageRef === undefined ? 'volume:create' : 'volume:create_from_image')
  const wished = wish.type === undefined ? undefined : typeByNameOrId(core.state, actor, wish.type)
  const found = await sourceOf(core, actor, wish)
  if (wish.zone !== undefined && wish.zone !== core.zone) throw InvalidZone({ zone: wish.zone })
  const { row, source } = await core.state.change(change => {
    const source = newest(core, actor, found)
    const type = typeFor(core, actor, wished, source)
    const sizeGiB = sizeFor(wish, source)
    requireUsable(source, sizeGiB)
    requireSize(core, actor.projectId, sizeGiB)
    requireQuota(core, actor.projectId, type.id, { volumes: 1, gigabytes: sizeGiB })
    const row = newRow(core, actor, { wish, source, type, sizeGiB })
    change.put('volume_volumes', row)
    return { row, source }
  })
  fillVolume(core, actor, row, source)
  return row
}

function newRow(
  core: Core,
  actor: Actor,
  { wish, source, type, sizeGiB }: { wish: VolumeWish; source: Source; type: TypeRow; sizeGiB: number },
): VolumeRow {
  return {
    id: newUuid(),
    project_id: actor.projectId,
    user_id: actor.userId,
    name: wish.name,
    description: wish.description,
    size_gib: sizeGiB,
    status: 'creating',
    previous_status: null,
    attach_status: 'detached',
    migration_status: null,
    volume_type_id: type.id,
    snapshot_id: source.kind === 'snapshot' ? source.row.id : null,
    source_volid: source.kind === 'volume' ? source.row.id : null,
    availability_zone: core.zone,
    is_bootable: 0,
    is_multiattach: isMultiattach(type) || wish.isMultiattach === true ? 1 : 0,
    encryption_key_id: isEncrypted(core.state, type) ? fixedKeyId : null,
    metadata: JSON.stringify(wish.metadata),
    admin_metadata: '{}',
    image_metadata: source.kind === 'image' ? JSON.stringify(imageMetadataOf(source.image)) : null,
    created_at_ms: core.clock.now(),
    updated_at_ms: null,
    file_name: null,
    task: JSON.stringify({ kind: 'create' }),
  }
}

const deletable = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']
const notMigrating = [null, 'deleting', 'error', 'success']

function requireDeletable(core: Core, row: VolumeRow, options: { isForced: boolean; isCascade: boolean }): void {
  const snapshots = core.state.table('volume_snapshots').by('volume', row.id)
  const hasGoodStatus = options.isForced || deletable.includes(row.status)
  const areSnapshotsGone = options.isCascade
    ? options.isForced || snapshots.every(s => ['available', 'error', 'deleting'].includes(s.status))
    : snapshots.length === 0
  const isFree = row.attach_status !== 'attached' && notMigrating.includes(row.migration_status)
  if (hasGoodStatus && areSnapshotsGone && isFree) return
  const status = options.isForced
    ? ''
    : `status must be ${deletable.slice(0, -1).join(' or ')} or ${deletable.at(-1)} and `
  throw invalidVolume(
    `Volume ${status}must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
  )
}

/** Asks for the end of a volume, and with `isCascade` of its snapshots. */
export async function deleteVolume(
  core: Core,
  actor: Actor,
  id: string,
  options: { isForced: boolean; isCascade: boolean } = { isForced: false, isCascade: false },
): Promise<void> {
  const seen = seenVolume(core, actor, id)
  requireWriter(actor, 'volume:delete')
  const row = await changeVolume(core, seen.id, (row, change) => {
    requireDeletable(core, row, options)
    if (options.isCascade) markSnapshots(core, change, id)
    return { ...row, status: 'deleting', task: JSON.stringify({ kind: 'delete' }) }
  })
  removeVolume(core, row)
}

function markSnapshots(core: Core, change: VolumeChange, volumeId: string): void {
  for (const snapshot of core.state.table('volume_snapshots').by('volume', volumeId)) {
    change.put('volume_snapshots', { ...snapshot, status: 'deleting', updated_at_ms: core.clock.now() })
  }
}
