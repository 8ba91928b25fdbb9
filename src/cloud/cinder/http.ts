import type { As } from '../glance/port.ts'
import { bodyOf } from '../http/client.ts'
import { inPath, type ServiceOptions } from '../http/service-client.ts'
import { CinderApi } from './api.ts'
import {
  CinderVersionUnavailable,
  SnapshotNotFound,
  VolumeAttachmentNotFound,
  VolumeNotFound,
  type VolumePort,
  VolumeSourceNotFound,
} from './port.ts'
import { attachmentOf, snapshotOf, volumeOf, type WireAttachment, type WireSnapshot, type WireVolume } from './wire.ts'

/** Attachments that are completed by a call of their own. */
const attachments = '3.44'
const reimage = '3.68'
const extendCompletion = '3.71'

type Options = { detail?: string }

/** Cinder v3. */
export function cinderPort(options: ServiceOptions): VolumePort {
  const api = new CinderApi(options)
  return { ...volumeCalls(api), ...snapshotCalls(api), ...attachmentCalls(api), ...projectCalls(api) }
}

const noVolume = (id: string) => (options: Options) => VolumeNotFound({ id }, options)

function act(api: CinderApi, as: As, id: string, action: string, body: unknown, version?: string) {
  return api.call(as, {
    method: 'POST',
    path: `/volumes/${inPath(id)}/action`,
    json: { [action]: body },
    missing: noVolume(id),
    ...(version === undefined ? {} : { version }),
  })
}

function volumeCalls(api: CinderApi) {
  return {
    async get(as, id) {
      const reply = await api.call(as, { method: 'GET', path: `/volumes/${inPath(id)}`, missing: noVolume(id) })
      return volumeOf(bodyOf<{ volume: WireVolume }>(reply).volume)
    },
    async list(as) {
      return (await api.list<WireVolume>(as, '/volumes/detail', 'volumes')).map(volumeOf)
    },
    async create(as, request) {
      const volume = {
        size: request.sizeGiB,
        name: request.name,
        description: request.description,
        imageRef: request.imageId,
        snapshot_id: request.snapshotId,
        source_volid: request.sourceVolumeId,
        volume_type: request.volumeType,
        availability_zone: request.availabilityZone,
        metadata: request.metadata ?? {},
      }
      const reply = await api.call(as, {
        method: 'POST',
        path: '/volumes',
        json: { volume },
        missing: at => VolumeSourceNotFound({ reason: 'Resource could not be found.' }, at),
      })
      return volumeOf(bodyOf<{ volume: WireVolume }>(reply).volume)
    },
    async delete(as, id) {
      await api.call(as, { method: 'DELETE', path: `/volumes/${inPath(id)}`, missing: noVolume(id) })
    },
    async encryption(as, id) {
      const path = `/volumes/${inPath(id)}/encryption`
      return bodyOf<Record<string, unknown>>(await api.call(as, { method: 'GET', path, missing: noVolume(id) }))
    },
    async beginDetaching(as, id) {
      await act(api, as, id, 'os-begin_detaching', null)
    },
    async rollDetaching(as, id) {
      await act(api, as, id, 'os-roll_detaching', null)
    },
    async reimage(as, id, imageId, { isReserved }) {
      await act(api, as, id, 'os-reimage', { image_id: imageId, reimage_reserved: isReserved }, reimage)
    },
    async completeExtend(as, id, { isFailed }) {
      try {
        await act(api, as, id, 'os-extend_volume_completion', { error: isFailed }, extendCompletion)
      } catch (error) {
        // An older Cinder does not wait for it.
        if (!CinderVersionUnavailable.is(error)) throw error
      }
    },
    async completeMigration(as, oldId, newId, { isFailed }) {
      const body = { new_volume: newId, error: isFailed }
      const reply = await act(api, as, oldId, 'os-migrate_volume_completion', body)
      return bodyOf<{ save_volume_id: string }>(reply).save_volume_id
    },
  } satisfies Partial<VolumePort>
}

function snapshotCalls(api: CinderApi) {
  const missing = (id: string) => (options: Options) => SnapshotNotFound({ id }, options)
  return {
    async getSnapshot(as, id) {
      const reply = await api.call(as, { method: 'GET', path: `/snapshots/${inPath(id)}`, missing: missing(id) })
      return snapshotOf(bodyOf<{ snapshot: WireSnapshot }>(reply).snapshot)
    },
    async listSnapshots(as) {
      return (await api.list<WireSnapshot>(as, '/snapshots/detail', 'snapshots')).map(snapshotOf)
    },
    async createSnapshot(as, { volumeId, name, description, isForced }) {
      const reply = await api.call(as, {
        method: 'POST',
        path: '/snapshots',
        json: { snapshot: { volume_id: volumeId, name, description, force: isForced } },
        missing: noVolume(volumeId),
      })
      return snapshotOf(bodyOf<{ snapshot: WireSnapshot }>(reply).snapshot)
    },
    async deleteSnapshot(as, id) {
      await api.call(as, { method: 'DELETE', path: `/snapshots/${inPath(id)}`, missing: missing(id) })
    },
    async updateSnapshotStatus(as, id, status) {
      await api.call(as, {
        method: 'POST',
        path: `/snapshots/${inPath(id)}/action`,
        json: { 'os-update_snapshot_status': { status, progress: '90%' } },
        missing: missing(id),
      })
    },
  } satisfies Partial<VolumePort>
}

function attachmentCalls(api: CinderApi) {
  const at = (id: string) => ({
    path: `/attachments/${inPath(id)}`,
    version: attachments,
    missing: (options: Options) => VolumeAttachmentNotFound({ id }, options),
  })
  return {
    async createAttachment(as, { volumeId, serverId, connector }) {
      const reply = await api.call(as, {
        method: 'POST',
        path: '/attachments',
        version: attachments,
        json: { attachment: { volume_uuid: volumeId, instance_uuid: serverId, connector: connector ?? null } },
        missing: noVolume(volumeId),
      })
      return attachmentOf(bodyOf<{ attachment: WireAttachment }>(reply).attachment)
    },
    async updateAttachment(as, id, connector) {
      const reply = await api.call(as, { ...at(id), method: 'PUT', json: { attachment: { connector } } })
      return attachmentOf(bodyOf<{ attachment: WireAttachment }>(reply).attachment)
    },
    async completeAttachment(as, id) {
      const path = `${at(id).path}/action`
      await api.call(as, { ...at(id), method: 'POST', path, json: { 'os-complete': null } })
    },
    async deleteAttachment(as, id) {
      await api.call(as, { ...at(id), method: 'DELETE' }).catch((error: unknown) => {
        if (!VolumeAttachmentNotFound.is(error)) throw error
      })
    },
    async getAttachment(as, id) {
      const reply = await api.call(as, { ...at(id), method: 'GET' })
      return attachmentOf(bodyOf<{ attachment: WireAttachment }>(reply).attachment)
    },
    async attachments(as, { volumeId, serverId }) {
      const filter = {
        ...(volumeId === undefined ? {} : { volume_id: volumeId }),
        ...(serverId === undefined ? {} : { instance_id: serverId }),
      }
      const path = '/attachments/detail'
      return (await api.list<WireAttachment>(as, path, 'attachments', filter, attachments)).map(attachmentOf)
    },
  } satisfies Partial<VolumePort>
}

function projectCalls(api: CinderApi) {
  return {
    async listTypes(as) {
      const types = await api.list<{ id: string; name: string }>(as, '/types', 'volume_types')
      return types.map(({ id, name }) => ({ id, name }))
    },
    async limits(as) {
      const missing = (options: Options) => VolumeSourceNotFound({ reason: 'Cinder has no limits.' }, options)
      const reply = await api.call(as, { method: 'GET', path: '/limits', missing })
      return bodyOf<{ limits: { absolute: Record<string, number> } }>(reply).limits.absolute
    },
  } satisfies Partial<VolumePort>
}
