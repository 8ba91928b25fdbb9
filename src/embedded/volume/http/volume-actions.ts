import type { FastifyReply } from 'fastify'
import type { JsonRecord } from '#base'
import { sendJson } from '#http'
import {
  beginDetaching,
  completeMigration,
  extendVolume,
  reimageVolume,
  reserveVolume,
  resetStatus,
  retypeVolume,
  rollDetaching,
  setReadonly,
  unreserveVolume,
} from '../actions.ts'
import { attachmentsOf, attachVolume, detachVolume, initializeConnection, requireReleasable } from '../attachments.ts'
import { changeVolume, mapOf, requireAdmin, requireWriter, seenVolume } from '../core.ts'
import { Invalid, invalidVolume, Missing } from '../faults.ts'
import { deleteVolume } from '../volumes.ts'
import { badField, Fields, jsonOf, textsOf } from './body.ts'
import { accepted, type Exchange, type Parts, route } from './exchange.ts'
import { revertVolume } from './revert.ts'
import { uploadVolume } from './upload.ts'

interface Action {
  readonly since?: number
  readonly run: (x: Exchange, body: JsonRecord) => Promise<FastifyReply>
}

/** The action's own object, with nothing but these fields in it. */
const fieldsOf = (body: JsonRecord, name: string, ...names: readonly string[]): Fields =>
  Fields.of(body, name).only(...names)

/** An action without a body, answered by 202. */
const plain = (work: (core: Exchange['core'], actor: Exchange['actor'], id: string) => Promise<void>): Action => ({
  run: async x => {
    await work(x.core, x.actor, x.id)
    return accepted(x)
  },
})

async function attach(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-attach', 'instance_uuid', 'mountpoint', 'host_name', 'mode')
  const serverId = fields.uuid('instance_uuid') ?? null
  const hostName = fields.text('host_name') ?? null
  const mountpoint = fields.required('mountpoint')
  if (serverId === null && hostName === null) {
    throw badField('os-attach', fields.record, 'is not valid under any of the given schemas')
  }
  const mode = fields.oneOf('mode', ['rw', 'ro']) ?? 'rw'
  await attachVolume(x.core, x.actor, x.id, { serverId, hostName, mountpoint, mode })
  return accepted(x)
}

async function detach(x: Exchange, body: JsonRecord) {
  const given = body['os-detach']
  const id = given === null ? undefined : fieldsOf(body, 'os-detach', 'attachment_id').uuid('attachment_id')
  await detachVolume(x.core, x.actor, x.id, id)
  return accepted(x)
}

function connectorOf(body: JsonRecord, action: string): JsonRecord {
  const fields = fieldsOf(body, action, 'connector')
  if (!fields.has('connector')) throw badField(action, fields.record, "'connector' is a required property")
  const connector = fields.record.connector
  return typeof connector === 'object' && connector !== null && !Array.isArray(connector) ? connector : {}
}

async function initialize(x: Exchange, body: JsonRecord) {
  const connector = connectorOf(body, 'os-initialize_connection')
  return sendJson(x.reply, 200, { connection_info: initializeConnection(x.core, x.actor, x.id, connector) })
}

async function terminate(x: Exchange, body: JsonRecord) {
  connectorOf(body, 'os-terminate_connection')
  seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume_extension:volume_actions:terminate_connection')
  const all = attachmentsOf(x.core, x.id)
  if (all.length > 0) await requireReleasable(x.core, x.actor, all.length === 1 ? all[0] : undefined)
  await unreserveVolume(x.core, x.actor, x.id)
  return accepted(x)
}

async function extend(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-extend', 'new_size')
  const size = fields.integer('new_size', 1)
  if (size === undefined) throw badField('os-extend', fields.record, "'new_size' is a required property")
  await extendVolume(x.core, x.actor, x.id, size, x.version >= 42)
  return accepted(x)
}

async function reimage(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-reimage', 'image_id', 'reimage_reserved')
  const isReserved = fields.flag('reimage_reserved') === true
  await reimageVolume(x.core, x.actor, x.id, fields.requiredUuid('image_id'), isReserved)
  return accepted(x)
}

async function retype(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-retype', 'new_type', 'migration_policy')
  fields.oneOf('migration_policy', ['on-demand', 'never'])
  await retypeVolume(x.core, x.actor, x.id, fields.required('new_type', {}))
  return accepted(x)
}

function requiredFlag(body: JsonRecord, action: string, name: string): boolean {
  const fields = fieldsOf(body, action, name)
  const flag = fields.flag(name)
  if (flag === undefined) throw badField(action, fields.record, `'${name}' is a required property`)
  return flag
}

async function setBootable(x: Exchange, body: JsonRecord) {
  const isBootable = requiredFlag(body, 'os-set_bootable', 'bootable')
  seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume_extension:volume_actions:set_bootable')
  await changeVolume(x.core, x.id, row => ({ ...row, is_bootable: isBootable ? 1 : 0 }))
  return x.reply.code(200).send()
}

async function reset(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-reset_status', 'status', 'attach_status', 'migration_status')
  const lower = (name: string) => fields.text(name)?.toLowerCase()
  const migration = lower('migration_status')
  const wish = {
    status: lower('status'),
    attachStatus: lower('attach_status'),
    migrationStatus: migration === 'none' ? null : migration,
  }
  if (Object.values(wish).every(value => value === undefined)) {
    throw Invalid({ reason: "Must specify 'status', 'attach_status' or 'migration_status' for update." })
  }
  await resetStatus(x.core, x.actor, x.id, wish)
  return accepted(x)
}

async function forceDetach(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-force_detach', 'connector', 'attachment_id')
  seenVolume(x.core, x.actor, x.id)
  requireAdmin(x.actor, 'volume_extension:volume_admin_actions:force_detach')
  await detachVolume(x.core, x.actor, x.id, fields.text('attachment_id'))
  return accepted(x)
}

async function migrate(x: Exchange, body: JsonRecord): Promise<never> {
  fieldsOf(body, 'os-migrate_volume', 'host', 'cluster', 'force_host_copy', 'lock_volume')
  seenVolume(x.core, x.actor, x.id)
  requireAdmin(x.actor, 'volume_extension:volume_admin_actions:migrate_volume')
  // There is one pool, and nowhere to go.
  throw invalidVolume(
    `Volume ${x.id} status must be available or in-use, must not be migrating, have snapshots, be replicated, be part of a group and destination host/cluster must be different than the current one`,
  )
}

async function completeMove(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-migrate_volume_completion', 'new_volume', 'error')
  const newId = fields.requiredUuid('new_volume')
  const isFailed = fields.flag('error') === true
  return sendJson(x.reply, 200, { save_volume_id: await completeMigration(x.core, x.actor, x.id, newId, isFailed) })
}

async function setImageMetadata(x: Exchange, body: JsonRecord) {
  const fields = fieldsOf(body, 'os-set_image_metadata', 'metadata')
  const texts = textsOf('metadata', Fields.of(fields.record, 'metadata').record)
  seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume_extension:volume_image_metadata:set')
  const row = await changeVolume(x.core, x.id, now => ({
    ...now,
    image_metadata: JSON.stringify({ ...mapOf(now.image_metadata), ...texts }),
  }))
  return sendJson(x.reply, 200, { metadata: mapOf(row.image_metadata) })
}

async function unsetImageMetadata(x: Exchange, body: JsonRecord) {
  const key = fieldsOf(body, 'os-unset_image_metadata', 'key').required('key')
  seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume_extension:volume_image_metadata:remove')
  await changeVolume(x.core, x.id, now => {
    const { [key]: value, ...rest } = mapOf(now.image_metadata)
    if (value === undefined) {
      throw Missing({ reason: `Glance metadata for volume/snapshot ${x.id} cannot be found.` })
    }
    return { ...now, image_metadata: JSON.stringify(rest) }
  })
  return x.reply.code(200).send()
}

const actions: Readonly<Record<string, Action>> = {
  'os-attach': { run: attach },
  'os-detach': { run: detach },
  'os-reserve': plain(reserveVolume),
  'os-unreserve': plain(unreserveVolume),
  'os-begin_detaching': plain(beginDetaching),
  'os-roll_detaching': plain(rollDetaching),
  'os-initialize_connection': { run: initialize },
  'os-terminate_connection': { run: terminate },
  'os-extend': { run: extend },
  'os-reset_status': { run: reset },
  'os-set_bootable': { run: setBootable },
  'os-update_readonly_flag': {
    run: async (x, body) => {
      await setReadonly(x.core, x.actor, x.id, requiredFlag(body, 'os-update_readonly_flag', 'readonly'))
      return accepted(x)
    },
  },
  'os-volume_upload_image': { run: uploadVolume },
  'os-retype': { run: retype },
  'os-force_delete': {
    run: async x => {
      seenVolume(x.core, x.actor, x.id)
      requireAdmin(x.actor, 'volume_extension:volume_admin_actions:force_delete')
      await deleteVolume(x.core, x.actor, x.id, { isForced: true, isCascade: false })
      return accepted(x)
    },
  },
  'os-force_detach': { run: forceDetach },
  'os-reimage': { run: reimage, since: 68 },
  'os-migrate_volume': { run: migrate },
  'os-migrate_volume_completion': { run: completeMove },
  'os-set_image_metadata': { run: setImageMetadata },
  'os-unset_image_metadata': { run: unsetImageMetadata },
  'os-show_image_metadata': {
    run: async x => sendJson(x.reply, 200, { metadata: mapOf(seenVolume(x.core, x.actor, x.id).image_metadata) }),
  },
  revert: { run: revertVolume, since: 40 },
}

export const noAction = (name: string) =>
  Invalid({
    reason: `There is no such action: ${name}. Verify the request body and Content-Type header and try again.`,
  })

export function volumeActionRoutes(parts: Parts): void {
  route(parts, 'POST', '/volumes/:id/action', async x => {
    const body = jsonOf(x.request)
    const [name = ''] = Object.keys(body)
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) throw noAction(name)
    if (x.version < (action.since ?? 0)) {
      throw Missing({ reason: `API version 3.${x.version} is not supported on this method.` })
    }
    return action.run(x, body)
  })
}
