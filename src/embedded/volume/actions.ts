/** What is done to a volume as it is: status by status, in Cinder's order and words. */
import { type Image, ImageNotFound } from '#cloud'
import { attachmentsOf, attachVolume, dropAttachment } from './attachments.ts'
import { fitsPool } from './capabilities.ts'
import { growVolume, refillVolume } from './content.ts'
import { type Actor, type Core, changeVolume, mapOf, requireAdmin, requireWriter, seenVolume } from './core.ts'
import { Conflict, Invalid, invalidInput, invalidVolume, Missing } from './faults.ts'
import { requireQuota, requireSize } from './quotas.ts'
import { requireImageFits } from './sources.ts'
import type { VolumeRow } from './store/rows.ts'
import { isEncrypted, isMultiattach, typeByNameOrId } from './types.ts'

const actionRule = (name: string): string => `volume_extension:volume_actions:${name}`

export async function reserveVolume(core: Core, actor: Actor, id: string): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('reserve'))
  await changeVolume(core, id, row => {
    const allowed = row.is_multiattach === 1 ? ['available', 'in-use'] : ['available']
    if (!allowed.includes(row.status)) {
      throw invalidVolume(`Volume status must be ${allowed.join(' or ')} to reserve, but the status is ${row.status}.`)
    }
    return { ...row, status: 'attaching' }
  })
}

/** Not reserved is no error. */
export async function unreserveVolume(core: Core, actor: Actor, id: string): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('unreserve'))
  await changeVolume(core, id, row => {
    if (row.status !== 'attaching') return row
    return { ...row, status: attachmentsOf(core, id).length > 0 ? 'in-use' : 'available' }
  })
}

export async function beginDetaching(core: Core, actor: Actor, id: string): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('begin_detaching'))
  await changeVolume(core, id, row => {
    if (row.status !== 'in-use' || row.attach_status !== 'attached') {
      throw invalidVolume(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
      )
    }
    return { ...row, status: 'detaching' }
  })
}

export async function rollDetaching(core: Core, actor: Actor, id: string): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('roll_detaching'))
  await changeVolume(core, id, row => (row.status === 'detaching' ? { ...row, status: 'in-use' } : row))
}

const serversOf = (core: Core, id: string): string[] =>
  attachmentsOf(core, id).flatMap(a => (a.server_id === null ? [] : [a.server_id]))

/** `mayBeInUse` since 3.42. */
export async function extendVolume(
  core: Core,
  actor: Actor,
  id: string,
  sizeGiB: number,
  mayBeInUse: boolean,
): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('extend'))
  let servers: string[] = []
  const row = await changeVolume(core, id, now => {
    const isInUse = mayBeInUse && now.status === 'in-use'
    if (sizeGiB <= now.size_gib) {
      throw invalidInput(
        `New size for extend must be greater than current size. (current: ${now.size_gib}, extended: ${sizeGiB}).`,
      )
    }
    if (!isInUse && now.status !== 'available') {
      throw invalidVolume(`Volume ${id} status must be '{'status': 'available'}' to extend, currently ${now.status}.`)
    }
    requireSize(core, now.project_id, sizeGiB)
    requireQuota(core, now.project_id, now.volume_type_id, { gigabytes: sizeGiB - now.size_gib })
    servers = isInUse ? serversOf(core, id) : []
    const task = JSON.stringify({ kind: 'extend', sizeGiB, serverIds: servers })
    return { ...now, status: 'extending', previous_status: now.status, task }
  })
  growVolume(core, row, sizeGiB, servers)
}

async function imageOf(core: Core, actor: Actor, id: string): Promise<Image> {
  try {
    return await core.images.get(actor.as, id)
  } catch (error) {
    if (ImageNotFound.is(error)) throw Missing({ reason: `Image ${id} could not be found.` })
    throw error
  }
}

export async function reimageVolume(
  core: Core,
  actor: Actor,
  id: string,
  imageId: string,
  mayBeReserved: boolean,
): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule(mayBeReserved ? 'reimage_reserved' : 'reimage'))
  const image = await imageOf(core, actor, imageId)
  let servers: string[] = []
  const row = await changeVolume(core, id, now => {
    if (attachmentsOf(core, id).length > 1) {
      throw Conflict({ reason: 'Cannot re-image a volume which is attached to more than one server.' })
    }
    const allowed = mayBeReserved ? ['available', 'error', 'reserved'] : ['available', 'error']
    if (!allowed.includes(now.status)) {
      const statuses = `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`
      throw invalidVolume(`Volume ${id} status must be ${statuses}, but current status is ${now.status}.`)
    }
    requireImageFits(image, now.size_gib)
    servers = now.status === 'reserved' ? serversOf(core, id) : []
    const task = JSON.stringify({ kind: 'reimage', imageId, serverIds: servers })
    return { ...now, status: 'downloading', previous_status: now.status, task }
  })
  refillVolume(core, actor, row, image, servers)
}

/** One pool stores every type: a new type moves no content, so it is there at once. */
export async function retypeVolume(core: Core, actor: Actor, id: string, type: string): Promise<void> {
  const seen = seenVolume(core, actor, id)
  requireWriter(actor, actionRule('retype'))
  const wished = typeByNameOrId(core.state, actor, type)
  await changeVolume(core, seen.id, row => {
    const isMulti = isMultiattach(wished)
    if (isMulti !== (row.is_multiattach === 1) && row.status !== 'available') {
      throw invalidInput(
        `Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: ${row.status}.`,
      )
    }
    if (isMulti && isEncrypted(core.state, wished)) {
      throw invalidInput('Retype requested both encryption and multi-attach, which is not supported.')
    }
    const isFree = row.status === 'available' || row.status === 'in-use'
    if (!isFree || row.migration_status !== null || row.volume_type_id === wished.id) {
      throw invalidVolume(
        'Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.',
      )
    }
    requireTypeQuota(core, row, wished.id)
    // As if the scheduler had looked for a pool in vain: the volume stays what it was.
    if (!fitsPool(wished)) return row
    return { ...row, volume_type_id: wished.id, is_multiattach: isMulti ? 1 : 0 }
  })
}

/** Only the limits of the new type count: the project has the volume already. */
function requireTypeQuota(core: Core, row: VolumeRow, typeId: string): void {
  requireQuota(core, row.project_id, typeId, { volumes: 1, gigabytes: row.size_gib }, { isOfTypeOnly: true })
}

export async function setReadonly(core: Core, actor: Actor, id: string, isReadonly: boolean): Promise<void> {
  seenVolume(core, actor, id)
  requireWriter(actor, actionRule('update_readonly_flag'))
  await changeVolume(core, id, row => {
    if (row.status !== 'available') {
      throw invalidVolume(
        `Volume ${id} status must be available to update readonly flag, but current status is: ${row.status}.`,
      )
    }
    const readonly = isReadonly ? 'True' : 'False'
    return { ...row, admin_metadata: JSON.stringify({ ...mapOf(row.admin_metadata), readonly }) }
  })
}

export interface StatusReset {
  readonly status: string | undefined
  readonly attachStatus: string | undefined
  /** Null for none. */
  readonly migrationStatus: string | null | undefined
}

export async function resetStatus(core: Core, actor: Actor, id: string, wish: StatusReset): Promise<void> {
  seenVolume(core, actor, id)
  requireAdmin(actor, 'volume_extension:volume_admin_actions:reset_status')
  if (wish.status !== undefined && ['deleting', 'error_deleting', 'detaching'].includes(wish.status)) {
    throw Invalid({ reason: `Cannot reset-state to ${wish.status}` })
  }
  await changeVolume(core, id, (row, change) => {
    const attachments = attachmentsOf(core, id)
    if (wish.status === 'in-use' && attachments.length === 0) {
      throw Invalid({ reason: 'Cannot reset-state to in-use because volume does not have any attachments.' })
    }
    const isCleared = wish.attachStatus === 'detached'
    if (isCleared) for (const attachment of attachments) change.remove('volume_attachments', attachment)
    const { attached_mode: _, ...cleared } = mapOf(row.admin_metadata)
    return {
      ...row,
      status: wish.status ?? row.status,
      attach_status: wish.attachStatus ?? row.attach_status,
      migration_status: wish.migrationStatus === undefined ? row.migration_status : wish.migrationStatus,
      admin_metadata: isCleared ? JSON.stringify(cleared) : row.admin_metadata,
    }
  })
}

/** After a swap by Nova: who had the old volume has the new one. Answers which of the two to keep. */
export async function completeMigration(
  core: Core,
  actor: Actor,
  oldId: string,
  newId: string,
  isFailed: boolean,
): Promise<string> {
  const [old, fresh] = [seenVolume(core, actor, oldId), seenVolume(core, actor, newId)]
  if (!actor.isService) requireAdmin(actor, 'volume_extension:volume_admin_actions:migrate_volume_completion')
  if (old.migration_status !== null || fresh.migration_status !== null) {
    const which = old.migration_status === null ? 'Source' : 'Destination'
    throw invalidVolume(`${which} volume not mid-migration.`)
  }
  if (isFailed) return newId
  for (const attachment of attachmentsOf(core, oldId)) {
    await dropAttachment(core, oldId, attachment.id)
    await attachVolume(core, actor, newId, {
      serverId: attachment.server_id,
      hostName: attachment.host,
      mountpoint: attachment.mountpoint ?? 'na',
      mode: 'rw',
    })
  }
  return newId
}
