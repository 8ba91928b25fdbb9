import { Fault, fromJson } from '#base'
import {
  type As,
  type ConnectionInfo,
  cinderFault,
  type IdentityPort,
  SnapshotNotFound,
  type Volume,
  type VolumeAttachment,
  VolumeAttachmentNotFound,
  VolumeNotFound,
  type VolumePort,
  type VolumeSnapshot,
  VolumeSourceNotFound,
} from '#cloud'
import { beginDetaching, completeMigration, reimageVolume, rollDetaching } from './actions.ts'
import {
  attachmentsOf,
  completeAttachment,
  createAttachment,
  deleteAttachment,
  seenAttachment,
  updateAttachment,
} from './attachments.ts'
import { type Actor, type Core, mapOf, owns, seenVolume } from './core.ts'
import { encryptionOf } from './encryption.ts'
import { absoluteLimits } from './limits.ts'
import { changeSnapshot, createSnapshot, deleteSnapshot, seenSnapshot } from './snapshots.ts'
import type { AttachmentRow, SnapshotRow, VolumeRow } from './store/rows.ts'
import { maySeeType, typeNameOf } from './types.ts'
import { createVolume, deleteVolume } from './volumes.ts'

const volumeOf = (core: Core, row: VolumeRow): Volume => ({
  id: row.id,
  status: row.status,
  sizeGiB: row.size_gib,
  name: row.name,
  description: row.description,
  projectId: row.project_id,
  availabilityZone: row.availability_zone,
  createdAtMs: row.created_at_ms,
  isMultiattach: row.is_multiattach === 1,
  isBootable: row.is_bootable === 1,
  isEncrypted: row.encryption_key_id !== null,
  volumeType: typeNameOf(core.state, row.volume_type_id),
  snapshotId: row.snapshot_id,
  sourceVolumeId: row.source_volid,
  metadata: { ...mapOf(row.metadata), ...mapOf(row.admin_metadata) },
  imageMetadata: mapOf(row.image_metadata),
  migrationStatus: row.migration_status,
  attachments: attachmentsOf(core, row.id)
    .filter(a => a.status === 'attached')
    .map(a => ({ attachmentId: a.id, serverId: a.server_id, device: a.mountpoint, hostName: a.host })),
})

const snapshotOf = (row: SnapshotRow): VolumeSnapshot => ({
  id: row.id,
  status: row.status,
  progress: row.progress,
  volumeId: row.volume_id,
  sizeGiB: row.size_gib,
  name: row.name,
  description: row.description,
  projectId: row.project_id,
  createdAtMs: row.created_at_ms,
})

function connectionOf(row: AttachmentRow): ConnectionInfo | undefined {
  if (row.connection === null) return undefined
  const { driver_volume_type, attachment_id: _, ...data } = fromJson<Record<string, unknown>>(row.connection)
  return { driverVolumeType: String(driver_volume_type), data }
}

const attachmentOf = (row: AttachmentRow): VolumeAttachment => ({
  id: row.id,
  volumeId: row.volume_id,
  serverId: row.server_id,
  status: row.status,
  connection: connectionOf(row),
})

/** Cinder's refusals in Nova's words, as a caller over HTTP gets them. */
async function inNovasWords<T>(missing: (options: { detail?: string }) => Fault, work: () => T | Promise<T>) {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Fault) || error.status < 400 || error.status === 500) throw error
    throw cinderFault({ status: error.status, message: error.message }, missing)
  }
}

/** The volume service as the others in this process see it; what they do for a user they do as a service. */
export function volumePort(core: Core, identity: IdentityPort): VolumePort {
  const actorOf = async (as: As): Promise<Actor> => {
    const caller = as === 'service' ? await identity.serviceCaller() : as
    const isAdmin = as === 'service' || caller.roles.includes('admin')
    return {
      as,
      projectId: caller.projectId ?? '',
      userId: caller.userId,
      isAdmin,
      canWrite: isAdmin || caller.roles.includes('member'),
      isService: true,
      requestId: '',
    }
  }
  const onVolume = async <T>(as: As, id: string, work: (actor: Actor) => T | Promise<T>): Promise<T> => {
    const actor = await actorOf(as)
    return inNovasWords(
      options => VolumeNotFound({ id }, options),
      () => work(actor),
    )
  }
  const onSnapshot = async <T>(as: As, id: string, work: (actor: Actor) => T | Promise<T>): Promise<T> => {
    const actor = await actorOf(as)
    return inNovasWords(
      options => SnapshotNotFound({ id }, options),
      () => work(actor),
    )
  }
  const onAttachment = async <T>(as: As, id: string, work: (actor: Actor) => T | Promise<T>): Promise<T> => {
    const actor = await actorOf(as)
    return inNovasWords(
      options => VolumeAttachmentNotFound({ id }, options),
      () => work(actor),
    )
  }
  const { state } = core
  return {
    get: (as, id) => onVolume(as, id, actor => volumeOf(core, seenVolume(core, actor, id))),
    async list(as) {
      const { projectId } = await actorOf(as)
      const table = state.table('volume_volumes')
      const rows = as === 'service' ? table.all() : table.by('project', projectId)
      return newestFirst(rows).map(row => volumeOf(core, row))
    },
    async create(as, request) {
      const actor = await actorOf(as)
      const wish = {
        name: request.name,
        description: request.description ?? null,
        sizeGiB: request.sizeGiB,
        imageRef: request.imageId,
        snapshotId: request.snapshotId,
        sourceVolumeId: request.sourceVolumeId,
        type: request.volumeType ?? undefined,
        zone: request.availabilityZone ?? undefined,
        metadata: request.metadata ?? {},
      }
      return inNovasWords(
        () => VolumeSourceNotFound({ reason: 'Resource could not be found.' }),
        async () => volumeOf(core, await createVolume(core, actor, wish)),
      )
    },
    delete: (as, id) => onVolume(as, id, actor => deleteVolume(core, actor, id)),

    getSnapshot: (as, id) => onSnapshot(as, id, actor => snapshotOf(seenSnapshot(core, actor, id))),
    async listSnapshots(as) {
      const { projectId } = await actorOf(as)
      const table = state.table('volume_snapshots')
      return newestFirst(as === 'service' ? table.all() : table.by('project', projectId)).map(snapshotOf)
    },
    createSnapshot: (as, request) =>
      onVolume(as, request.volumeId, async actor =>
        snapshotOf(await createSnapshot(core, actor, { ...request, metadata: {} })),
      ),
    deleteSnapshot: (as, id) => onSnapshot(as, id, actor => deleteSnapshot(core, actor, id)),
    updateSnapshotStatus: (as, id, status) =>
      onSnapshot(as, id, async actor => {
        await changeSnapshot(core, actor, id, row => ({ ...row, status, progress: '90%' }))
      }),

    async listTypes(as) {
      const actor = await actorOf(as)
      const rows = state.table('volume_types').all()
      return newestFirst(rows.filter(row => maySeeType(state, actor, row))).map(({ id, name }) => ({ id, name }))
    },
    encryption: (as, id) => onVolume(as, id, actor => encryptionOf(core, seenVolume(core, actor, id))),
    async limits(as) {
      return absoluteLimits(core.state, (await actorOf(as)).projectId)
    },

    createAttachment: (as, { volumeId, serverId, connector }) =>
      onVolume(as, volumeId, async actor =>
        attachmentOf(await createAttachment(core, actor, { volumeId, serverId, connector, mode: 'null' })),
      ),
    updateAttachment: (as, id, connector) =>
      onAttachment(as, id, async actor => attachmentOf(await updateAttachment(core, actor, id, connector))),
    completeAttachment: (as, id) => onAttachment(as, id, actor => completeAttachment(core, actor, id)),
    async deleteAttachment(as, id) {
      await onAttachment(as, id, actor => deleteAttachment(core, actor, id)).catch((error: unknown) => {
        if (!VolumeAttachmentNotFound.is(error)) throw error
      })
    },
    getAttachment: (as, id) => onAttachment(as, id, actor => attachmentOf(seenAttachment(core, actor, id))),
    async attachments(as, { volumeId, serverId }) {
      const actor = await actorOf(as)
      const table = state.table('volume_attachments')
      const rows = volumeId === undefined ? table.all() : table.by('volume', volumeId)
      return rows.filter(row => isOf(serverId, row) && maySee(core, actor, row)).map(attachmentOf)
    },
    beginDetaching: (as, id) => onVolume(as, id, actor => beginDetaching(core, actor, id)),
    rollDetaching: (as, id) => onVolume(as, id, actor => rollDetaching(core, actor, id)),

    reimage: (as, id, imageId, { isReserved }) =>
      onVolume(as, id, actor => reimageVolume(core, actor, id, imageId, isReserved)),
    // The file is as large as it says before Nova hears of it: there is nothing to wait for.
    completeExtend: (as, id) => onVolume(as, id, actor => void seenVolume(core, actor, id)),
    completeMigration: (as, oldId, newId, { isFailed }) =>
      onVolume(as, oldId, actor => completeMigration(core, actor, oldId, newId, isFailed)),
  }
}

const isOf = (serverId: string | undefined, row: AttachmentRow): boolean =>
  serverId === undefined || row.server_id === serverId

function maySee(core: Core, actor: Actor, row: AttachmentRow): boolean {
  const volume = core.state.table('volume_volumes').get(row.volume_id)
  return volume !== undefined && owns(actor, volume)
}

const newestFirst = <Row extends { readonly created_at_ms: number; readonly id: string }>(
  rows: readonly Row[],
): Row[] => rows.toSorted((a, b) => b.created_at_ms - a.created_at_ms || (a.id < b.id ? 1 : -1))
