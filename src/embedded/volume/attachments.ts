/**
 * Attachments: who has a volume, or is about to. The status of a volume follows from those of its attachments, except
 * where a volume is busy with something else.
 */
import { newUuid } from '#base'
import { type Actor, type Core, changeVolume, mapOf, owns, putVolume, requireWriter, seenVolume } from './core.ts'
import { Conflict, invalidInput, invalidVolume, noAttachment } from './faults.ts'
import type { AttachmentRow, VolumeRow } from './store/rows.ts'
import type { VolumeChange } from './store/state.ts'
import { isMultiattach } from './types.ts'

export type ConnectorBody = Readonly<Record<string, unknown>>

export const attachmentsOf = (core: Core, volumeId: string): AttachmentRow[] =>
  core.state.table('volume_attachments').by('volume', volumeId)

/** The attachment, if its volume is one of the caller's. */
export function seenAttachment(core: Core, actor: Actor, id: string): AttachmentRow {
  const row = core.state.table('volume_attachments').get(id)
  const volume = row === undefined ? undefined : core.state.table('volume_volumes').get(row.volume_id)
  if (row === undefined || volume === undefined || !owns(actor, volume)) throw noAttachment(id)
  return row
}

/** What a volume is by its attachments alone; the strongest of them counts. */
function statusesBy(attachments: readonly AttachmentRow[]): Pick<VolumeRow, 'status' | 'attach_status'> {
  const strongest = ['attached', 'attaching', 'detaching', 'reserved'].find(s => attachments.some(a => a.status === s))
  if (strongest === undefined) return { status: 'available', attach_status: 'detached' }
  return { status: strongest === 'attached' ? 'in-use' : strongest, attach_status: strongest }
}

/** The volume after one of its attachments has gone. */
export function withoutAttachment(core: Core, volume: VolumeRow, attachmentId: string | undefined): VolumeRow {
  const left = attachmentsOf(core, volume.id).filter(a => a.id !== attachmentId)
  const { status, attach_status } = statusesBy(left)
  const { attached_mode: _, ...adminMetadata } = mapOf(volume.admin_metadata)
  const next = { ...volume, attach_status, admin_metadata: JSON.stringify(adminMetadata) }
  const isBusy = attach_status === 'detached' && (volume.status === 'uploading' || volume.migration_status !== null)
  return isBusy ? next : { ...next, status }
}

function refuseError(volume: VolumeRow, verb: 'created' | 'updated'): void {
  if (!volume.status.includes('error')) return
  throw invalidVolume(
    `Volume attachments can not be ${verb} if the volume is in an error state. The Volume ${volume.id} currently has a status of: ${volume.status} `,
  )
}

/** Refuses who may not have the volume now; a server that has it already may have it on a second host. */
function requireReservable(core: Core, volume: VolumeRow, serverId: string | null): void {
  const allowed = volume.is_multiattach === 1 ? ['available', 'in-use', 'downloading'] : ['available', 'downloading']
  if (allowed.includes(volume.status)) return
  const hasItAlready = attachmentsOf(core, volume.id).some(a => serverId !== null && a.server_id === serverId)
  if (hasItAlready && (volume.status === 'in-use' || volume.status === 'reserved')) return
  const statuses = `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`
  throw invalidVolume(
    `Volume ${volume.id} status must be ${statuses} to reserve, but the current status is ${volume.status}.`,
  )
}

/** What a host is told: where the file lies on the machine that all share. */
function connectionOf(core: Core, volume: VolumeRow, attachmentId: string, mode: string): Record<string, unknown> {
  return {
    driver_volume_type: 'local',
    device_path: volume.file_name === null ? null : core.files.pathOf(volume.file_name),
    format: 'raw',
    volume_id: volume.id,
    access_mode: mapOf(volume.admin_metadata).readonly === 'True' ? 'ro' : mode,
    encrypted: volume.encryption_key_id !== null,
    qos_specs: qosOf(core, volume),
    cacheable: false,
    enforce_multipath: false,
    discard: true,
    attachment_id: attachmentId,
  }
}

function qosOf(core: Core, volume: VolumeRow): Record<string, string> | null {
  const id = core.state.table('volume_types').get(volume.volume_type_id)?.qos_specs_id ?? null
  const specs = id === null ? undefined : core.state.table('volume_qos').get(id)
  return specs === undefined || specs.consumer === 'back-end' ? null : mapOf(specs.specs)
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** The attachment once the host is known. */
function connected(core: Core, row: AttachmentRow, volume: VolumeRow, connector: ConnectorBody): AttachmentRow {
  const settled = row.mode === null || row.mode === 'null' ? undefined : row.mode
  const mode = settled ?? textOf(connector.mode) ?? 'rw'
  return {
    ...row,
    status: 'attaching',
    host: textOf(connector.host) ?? '',
    mountpoint: textOf(connector.mountpoint) ?? 'na',
    mode,
    connector: JSON.stringify(connector),
    connection: JSON.stringify(connectionOf(core, volume, row.id, mode)),
    attached_at_ms: core.clock.now(),
  }
}

/** Reserves the volume for a server, and connects it when a connector is given. */
export async function createAttachment(
  core: Core,
  actor: Actor,
  wish: { volumeId: string; serverId: string | null; connector: ConnectorBody | undefined; mode: string },
): Promise<AttachmentRow> {
  requireWriter(actor, 'volume:attachment_create')
  seenVolume(core, actor, wish.volumeId)
  let made: AttachmentRow | undefined
  await changeVolume(core, wish.volumeId, (volume, change) => {
    refuseError(volume, 'created')
    requireReservable(core, volume, wish.serverId)
    const reserved: AttachmentRow = {
      id: newUuid(),
      volume_id: volume.id,
      server_id: wish.serverId,
      status: 'reserved',
      host: null,
      mountpoint: null,
      mode: mapOf(volume.admin_metadata).readonly === 'True' ? 'ro' : wish.mode,
      connector: null,
      connection: null,
      created_at_ms: core.clock.now(),
      attached_at_ms: null,
    }
    made = wish.connector === undefined ? reserved : connected(core, reserved, volume, wish.connector)
    change.put('volume_attachments', made)
    // A second host of a server that has the volume changes nothing about it until the guest is there.
    const keeps = wish.connector === undefined && (volume.status === 'in-use' || volume.status === 'reserved')
    if (keeps && volume.is_multiattach === 0) return volume
    const attach_status = volume.attach_status === 'attached' ? 'attached' : made.status
    return { ...volume, status: made.status, attach_status }
  })
  if (made === undefined) throw noAttachment(wish.volumeId)
  return made
}

/** Gives a reserved attachment its host. */
export async function updateAttachment(
  core: Core,
  actor: Actor,
  id: string,
  connector: ConnectorBody,
): Promise<AttachmentRow> {
  const seen = seenAttachment(core, actor, id)
  requireWriter(actor, 'volume:attachment_update')
  let updated = seen
  await changeVolume(core, seen.volume_id, (volume, change) => {
    const row = seenAttachment(core, actor, id)
    refuseError(volume, 'updated')
    const others = attachmentsOf(core, volume.id).filter(a => a.id !== id && a.connection !== null)
    const type = core.state.table('volume_types').get(volume.volume_type_id)
    const mayShare = volume.is_multiattach === 1 || (type !== undefined && isMultiattach(type))
    if (!mayShare && others.some(a => a.server_id !== row.server_id || a.host === connector.host)) {
      throw invalidVolume(`duplicate connectors detected on volume ${volume.id}`)
    }
    updated = connected(core, row, volume, connector)
    change.put('volume_attachments', updated)
    return { ...volume, status: 'attaching', attach_status: 'attaching' }
  })
  return updated
}

/** The guest has the volume. */
export async function completeAttachment(core: Core, actor: Actor, id: string): Promise<void> {
  const seen = seenAttachment(core, actor, id)
  requireWriter(actor, 'volume:attachment_complete')
  await changeVolume(core, seen.volume_id, (volume, change) => {
    const row = seenAttachment(core, actor, id)
    change.put('volume_attachments', { ...row, status: 'attached' })
    const adminMetadata = { ...mapOf(volume.admin_metadata), attached_mode: row.mode ?? 'rw' }
    return { ...volume, status: 'in-use', attach_status: 'attached', admin_metadata: JSON.stringify(adminMetadata) }
  })
}

/**
 * Refuses to take away by hand what a server uses: the guest would go on writing to it. Asks Nova, which also knows the
 * attachments that it has forgotten.
 */
export async function requireReleasable(core: Core, actor: Actor, row: AttachmentRow | undefined): Promise<void> {
  if (actor.isService) return
  if (row !== undefined) {
    if (row.server_id === null || row.connection === null) return
    const used = await core.compute.attachmentOf(actor.as, row.server_id, row.volume_id)
    if (used !== row.id) return
  }
  throw Conflict({
    reason: `Detach volume from instance ${row?.server_id ?? ''} using the Compute API`,
  })
}

/** Ends an attachment; answers with those that are left. */
export async function deleteAttachment(core: Core, actor: Actor, id: string): Promise<AttachmentRow[]> {
  const seen = seenAttachment(core, actor, id)
  requireWriter(actor, 'volume:attachment_delete')
  await requireReleasable(core, actor, seen)
  await dropAttachment(core, seen.volume_id, id)
  return attachmentsOf(core, seen.volume_id)
}

/** Without questions; one that is gone already only puts the volume's status right. */
export async function dropAttachment(core: Core, volumeId: string, id: string | undefined): Promise<void> {
  await changeVolume(core, volumeId, (volume, change) => {
    const row = id === undefined ? undefined : core.state.table('volume_attachments').get(id)
    if (row !== undefined && row.volume_id !== volumeId) throw invalidInput('Mismatched volume and attachment')
    if (row !== undefined) change.remove('volume_attachments', row)
    return withoutAttachment(core, volume, id)
  })
}

/** The old way to attach, in one step and without a connection; a server that has the volume already has it. */
export async function attachVolume(
  core: Core,
  actor: Actor,
  volumeId: string,
  wish: { serverId: string | null; hostName: string | null; mountpoint: string; mode: 'rw' | 'ro' },
): Promise<AttachmentRow> {
  let made: AttachmentRow | undefined
  seenVolume(core, actor, volumeId)
  requireWriter(actor, 'volume_extension:volume_actions:attach')
  await changeVolume(core, volumeId, (volume, change) => {
    if (mapOf(volume.admin_metadata).readonly === 'True' && wish.mode !== 'ro') {
      throw invalidVolume(`Invalid attaching mode '${wish.mode}' for volume ${volumeId}.`)
    }
    const known = attachmentsOf(core, volumeId).find(a =>
      wish.serverId === null ? a.host === wish.hostName : a.server_id === wish.serverId,
    )
    if (known === undefined && volume.status === 'in-use' && volume.is_multiattach === 0) {
      throw invalidVolume('volume is already attached and multiple attachments are not enabled')
    }
    made = known ?? newAttachment(core, volumeId, wish)
    if (known === undefined) change.put('volume_attachments', made)
    return attachedTo(core, change, volume, made, wish.mode)
  })
  if (made === undefined) throw noAttachment(volumeId)
  return made
}

const newAttachment = (
  core: Core,
  volumeId: string,
  wish: { serverId: string | null; hostName: string | null; mountpoint: string; mode: string },
): AttachmentRow => ({
  id: newUuid(),
  volume_id: volumeId,
  server_id: wish.serverId,
  status: 'attached',
  host: wish.hostName,
  mountpoint: wish.mountpoint,
  mode: wish.mode,
  connector: null,
  connection: null,
  created_at_ms: core.clock.now(),
  attached_at_ms: core.clock.now(),
})

function attachedTo(core: Core, change: VolumeChange, volume: VolumeRow, row: AttachmentRow, mode: string): VolumeRow {
  const adminMetadata = { readonly: 'False', ...mapOf(volume.admin_metadata), attached_mode: mode }
  const next = { ...volume, status: 'in-use', attach_status: 'attached', admin_metadata: JSON.stringify(adminMetadata) }
  if (row.status !== 'attached') change.put('volume_attachments', { ...row, status: 'attached' })
  return putVolume(core, change, volume, next)
}

/** The old way to detach. Without an id the only attachment is meant. */
export async function detachVolume(core: Core, actor: Actor, volumeId: string, id: string | undefined): Promise<void> {
  seenVolume(core, actor, volumeId)
  requireWriter(actor, 'volume_extension:volume_actions:detach')
  const all = attachmentsOf(core, volumeId)
  if (id === undefined && all.length > 1) {
    throw invalidVolume('Detach volume failed: More than one attachment, but no attachment_id provided.')
  }
  const row = id === undefined ? all[0] : all.find(a => a.id === id)
  if (row !== undefined) await requireReleasable(core, actor, row)
  await dropAttachment(core, volumeId, row?.id)
}

/** The old way to get a connection: nothing is recorded but the host. */
export function initializeConnection(core: Core, actor: Actor, volumeId: string, connector: ConnectorBody) {
  const volume = seenVolume(core, actor, volumeId)
  requireWriter(actor, 'volume_extension:volume_actions:initialize_connection')
  const mode = mapOf(volume.admin_metadata).attached_mode ?? textOf(connector.mode) ?? 'rw'
  const { driver_volume_type, attachment_id: _, ...data } = connectionOf(core, volume, '', mode)
  return { driver_volume_type, data }
}
