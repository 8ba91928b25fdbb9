/**
 * The work on contents: making, copying, growing and removing the files of volumes and snapshots.
 *
 * Theory of operation. The row says first what is going to be done (`task`), the file is complete before the row names
 * it, and the row forgets it before it goes. After kill -9, `recover` finds the tasks: a deletion and an extension are
 * done again, everything else ends in `error` (or in the status before an upload), and files that no row names go.
 */
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { MiB, newUuid } from '#base'
import type { Image } from '#cloud'
import { fitsPool } from './capabilities.ts'
import { type Actor, type Core, leaveMessage, settleVolume, taskOf } from './core.ts'
import { newFileName } from './files.ts'
import type { Source } from './sources.ts'
import { imageMetadataOf } from './sources.ts'
import type { SnapshotRow, VolumeRow } from './store/rows.ts'
import { pack } from './unpack.ts'
import { ImageUnusable } from './unusable.ts'

/** The thing that must not go while it is read: a volume's own queue, or that of its source. */
const queueOf = (row: VolumeRow, source: Source): string =>
  source.kind === 'volume' || source.kind === 'snapshot' ? source.row.id : row.id

async function writeContent(core: Core, actor: Actor, row: VolumeRow, source: Source, fileName: string) {
  const { files, state } = core
  if (source.kind === 'blank') return files.blank(fileName, row.size_gib)
  if (source.kind === 'image') return writeImage(core, actor, source.image, row, fileName)
  const table = source.kind === 'volume' ? 'volume_volumes' : 'volume_snapshots'
  const from = state.table(table).get(source.row.id)?.file_name ?? null
  if (from === null) throw new Error(`${source.kind} ${source.row.id} has no content`)
  return files.copy(from, fileName, row.size_gib)
}

async function writeImage(core: Core, actor: Actor, image: Image, row: VolumeRow, fileName: string): Promise<void> {
  if (row.encryption_key_id !== null) throw ImageUnusable({ reason: 'encrypted volumes cannot be made of images here' })
  if (image.containerFormat !== 'bare' && image.containerFormat !== null && !/^a[mkr]i$/.test(image.containerFormat)) {
    throw ImageUnusable({ reason: `container format ${image.containerFormat} is not supported by the volume host` })
  }
  const localPath = await core.images.localPath?.(actor.as, image.id)
  await core.files.fromImage(
    { format: image.diskFormat ?? 'raw', bits: () => core.images.download(actor.as, image.id), localPath },
    fileName,
    row.size_gib,
    core.work.signal,
  )
}

/** What a volume inherits with the content of its source. */
function inherited(core: Core, source: Source): Pick<VolumeRow, 'is_bootable'> & Partial<VolumeRow> {
  if (source.kind === 'blank') return { is_bootable: 0 }
  if (source.kind === 'image') {
    return { is_bootable: 1, image_metadata: JSON.stringify(imageMetadataOf(source.image)) }
  }
  const origin = source.kind === 'volume' ? source.row : core.state.table('volume_volumes').get(source.row.volume_id)
  return { is_bootable: origin?.is_bootable ?? 0, image_metadata: origin?.image_metadata ?? null }
}

const isNew = (row: VolumeRow): boolean => taskOf(row)?.kind === 'create'

/** Makes the content of a new volume; `available` or `error` afterwards. */
export function fillVolume(core: Core, actor: Actor, row: VolumeRow, source: Source): void {
  core.work.start(queueOf(row, source), 'making a volume', async () => {
    if (!(await place(core, row))) return
    const fileName = newFileName(row.id)
    try {
      if (source.kind === 'image') {
        await settleVolume(core, row.id, now => (now.status === 'creating' ? { ...now, status: 'downloading' } : now))
      }
      await writeContent(core, actor, row, source, fileName)
      await finishVolume(core, row.id, fileName, inherited(core, source))
    } catch (error) {
      await core.files.remove(fileName)
      // A closing service leaves the rest to the next start.
      if (core.work.signal.aborted) return
      core.log.error({ volume_id: row.id, err: error }, 'a volume could not be made')
      await settleVolume(core, row.id, now => (isNew(now) ? { ...now, status: 'error', task: null } : now))
      const about = { id: row.id, project_id: row.project_id, type: 'VOLUME' } as const
      await leaveMessage(core, about, source.kind === 'image' ? 'image' : 'create', error)
    }
  })
}

/** False, and an error, when the pool is not what the volume's type wants. */
async function place(core: Core, row: VolumeRow): Promise<boolean> {
  const type = core.state.table('volume_types').get(row.volume_type_id)
  if (type === undefined || fitsPool(type)) return true
  await settleVolume(core, row.id, now => (isNew(now) ? { ...now, status: 'error', task: null } : now))
  await leaveMessage(core, { id: row.id, project_id: row.project_id, type: 'VOLUME' }, 'place', undefined)
  return false
}

/** The file counts once the row names it; a volume deleted or put in order by force meanwhile does not want it. */
async function finishVolume(core: Core, id: string, fileName: string, gained: Partial<VolumeRow>): Promise<void> {
  let isWanted = false
  await settleVolume(core, id, now => {
    if (!isNew(now)) return now
    isWanted = true
    // Somebody may have reserved it while the image came in.
    const status = now.status === 'creating' || now.status === 'downloading' ? 'available' : now.status
    return { ...now, ...gained, status, file_name: fileName, task: null }
  })
  if (!isWanted) await core.files.remove(fileName)
}

/** Ends a volume whose status is `deleting`, its snapshots that are to go with it first. */
export function removeVolume(core: Core, row: VolumeRow): void {
  for (const snapshot of core.state.table('volume_snapshots').by('volume', row.id)) removeSnapshot(core, snapshot)
  core.work.start(row.id, 'deleting a volume', async () => {
    const { state } = core
    const files = await state.change(change => {
      const now = state.table('volume_volumes').get(row.id)
      if (now === undefined) return []
      for (const attachment of state.table('volume_attachments').by('volume', row.id)) {
        change.remove('volume_attachments', attachment)
      }
      for (const transfer of state.table('volume_transfers').by('volume', row.id)) {
        change.remove('volume_transfers', transfer)
      }
      const snapshots = state.table('volume_snapshots').by('volume', row.id)
      for (const snapshot of snapshots) change.remove('volume_snapshots', snapshot)
      change.remove('volume_volumes', now)
      return [now, ...snapshots].flatMap(({ file_name }) => file_name ?? [])
    })
    for (const file of files) await core.files.remove(file)
  })
}

/** Copies the volume as it is now; `available` or `error` afterwards. */
export function fillSnapshot(core: Core, row: SnapshotRow): void {
  core.work.start(row.volume_id, 'making a snapshot', async () => {
    const fileName = newFileName(row.id)
    try {
      const from = core.state.table('volume_volumes').get(row.volume_id)?.file_name ?? null
      if (from === null) throw new Error(`volume ${row.volume_id} has no content`)
      await core.files.copy(from, fileName, row.size_gib)
      const done = { status: 'available', progress: '100%', file_name: fileName }
      if (!(await settleSnapshot(core, row.id, done))) await core.files.remove(fileName)
    } catch (error) {
      await core.files.remove(fileName)
      if (core.work.signal.aborted) return
      core.log.error({ snapshot_id: row.id, err: error }, 'a snapshot could not be made')
      await settleSnapshot(core, row.id, { status: 'error' })
      const about = { id: row.id, project_id: row.project_id, type: 'VOLUME_SNAPSHOT' } as const
      await leaveMessage(core, about, 'snapshot', error)
    }
  })
}

/** False when the snapshot is not `creating` any more. */
const settleSnapshot = (core: Core, id: string, fields: Partial<SnapshotRow>): Promise<boolean> =>
  core.state.change(change => {
    const now = core.state.table('volume_snapshots').get(id)
    if (now?.status !== 'creating') return false
    change.put('volume_snapshots', { ...now, ...fields, updated_at_ms: core.clock.now() })
    return true
  })

export function removeSnapshot(core: Core, row: SnapshotRow): void {
  core.work.start(row.id, 'deleting a snapshot', async () => {
    const gone = await core.state.change(change => {
      const now = core.state.table('volume_snapshots').get(row.id)
      if (now !== undefined) change.remove('volume_snapshots', now)
      return now
    })
    if (gone?.file_name != null) await core.files.remove(gone.file_name)
  })
}

/** Grows a volume whose status is `extending`, and tells the servers that have it. */
export function growVolume(core: Core, row: VolumeRow, sizeGiB: number, serverIds: readonly string[]): void {
  core.work.start(row.id, 'extending a volume', async () => {
    const about = { id: row.id, project_id: row.project_id, type: 'VOLUME' } as const
    try {
      if (row.file_name !== null) await core.files.extend(row.file_name, sizeGiB)
    } catch (error) {
      core.log.error({ volume_id: row.id, err: error }, 'a volume could not be extended')
      await settleVolume(core, row.id, now => ({ ...now, status: 'error_extending', task: null }))
      return leaveMessage(core, about, 'extend', error)
    }
    await settleVolume(core, row.id, now => {
      if (taskOf(now)?.kind !== 'extend') return now
      const status = now.status === 'extending' ? (now.previous_status ?? 'available') : now.status
      return { ...now, size_gib: sizeGiB, status, previous_status: null, task: null }
    })
    if (serverIds.length === 0) return
    await core.compute
      .tell({ name: 'volume-extended', serverIds, volumeId: row.id, isFailed: false })
      .catch(async (error: unknown) => {
        core.log.error({ volume_id: row.id, err: error }, 'Nova could not be told of an extended volume')
        await leaveMessage(core, about, 'extendNotice', error)
      })
  })
}

/** Gives a volume whose status is `downloading` the content of an image; its file keeps its name. */
export function refillVolume(
  core: Core,
  actor: Actor,
  row: VolumeRow,
  image: Image,
  serverIds: readonly string[],
): void {
  core.work.start(row.id, 'giving a volume new content', async () => {
    let isFailed = false
    const fresh = newFileName(newUuid())
    try {
      await writeImage(core, actor, image, row, fresh)
      const fileName = row.file_name ?? newFileName(row.id)
      await core.files.replace(fileName, fresh)
      await settleVolume(core, row.id, now => {
        if (taskOf(now)?.kind !== 'reimage') return now
        // A volume in error is good again; one that was reserved stays so.
        const status = now.previous_status === 'error' ? 'available' : (now.previous_status ?? 'available')
        const image_metadata = JSON.stringify(imageMetadataOf(image))
        return {
          ...now,
          status,
          previous_status: null,
          file_name: fileName,
          image_metadata,
          is_bootable: 1,
          task: null,
        }
      })
    } catch (error) {
      isFailed = true
      await core.files.remove(fresh)
      if (core.work.signal.aborted) return
      core.log.error({ volume_id: row.id, err: error }, 'a volume could not get the content of an image')
      await settleVolume(core, row.id, now => ({ ...now, status: 'error', previous_status: null, task: null }))
      await leaveMessage(core, { id: row.id, project_id: row.project_id, type: 'VOLUME' }, 'reimage', error)
    }
    if (serverIds.length > 0) {
      await core.compute
        .tell({ name: 'volume-reimaged', serverIds, volumeId: row.id, isFailed })
        .catch((error: unknown) => core.log.error({ volume_id: row.id, err: error }, 'Nova could not be told'))
    }
  })
}

/** Sends the content of a volume whose status is `uploading` to an image that waits for it. */
export function sendVolume(core: Core, actor: Actor, row: VolumeRow, image: Image): void {
  core.work.start(row.id, 'uploading a volume', async () => {
    const { files, images, work } = core
    try {
      if (row.file_name === null) throw new Error(`volume ${row.id} has no content`)
      const source = files.pathOf(row.file_name)
      await withFormat(core, source, image, path =>
        images.upload(actor.as, image.id, createReadStream(path, { highWaterMark: MiB })),
      )
    } catch (error) {
      if (work.signal.aborted) return
      core.log.error({ volume_id: row.id, image_id: image.id, err: error }, 'a volume could not be uploaded')
      await images.remove(actor.as, image.id).catch(() => undefined)
      await leaveMessage(core, { id: row.id, project_id: row.project_id, type: 'VOLUME' }, 'upload', error)
    }
    await settleVolume(core, row.id, now => {
      if (taskOf(now)?.kind !== 'upload') return now
      // A server may have let go of it meanwhile.
      const status = attachmentCount(core, row.id) > 0 ? 'in-use' : 'available'
      return { ...now, status: now.status === 'uploading' ? status : now.status, previous_status: null, task: null }
    })
  })
}

const attachmentCount = (core: Core, id: string): number =>
  core.state.table('volume_attachments').by('volume', id).length

/** The raw file itself, or a packed copy of it for as long as it is needed. */
async function withFormat(core: Core, raw: string, image: Image, use: (path: string) => Promise<void>): Promise<void> {
  if (image.diskFormat === 'raw') return use(raw)
  const packed = core.files.pathOf(newFileName(image.id))
  try {
    await pack(raw, image.diskFormat ?? '', packed, core.work.signal)
    await use(packed)
  } finally {
    await rm(packed, { force: true })
  }
}

/** Gives a volume whose status is `reverting` the content of its snapshot; its file keeps its name. */
export function restoreVolume(core: Core, row: VolumeRow, snapshotId: string): void {
  core.work.start(snapshotId, 'reverting a volume', async () => {
    const fresh = newFileName(newUuid())
    const settle = (status: string) =>
      settleVolume(core, row.id, now => (taskOf(now)?.kind === 'revert' ? { ...now, status, task: null } : now))
    try {
      const from = core.state.table('volume_snapshots').get(snapshotId)?.file_name ?? null
      if (from === null || row.file_name === null) throw new Error(`snapshot ${snapshotId} has no content`)
      await core.files.copy(from, fresh, row.size_gib)
      await core.files.replace(row.file_name, fresh)
      await settle('available')
    } catch (error) {
      await core.files.remove(fresh)
      core.log.error({ volume_id: row.id, err: error }, 'a volume could not be reverted')
      await settle('error')
    }
  })
}
