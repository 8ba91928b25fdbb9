import { integerParameter, list, nonNegative, obj, operation, query, reply, resource, since } from '#api/kit'
import type { BlockDevice } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { attach } from './attach.ts'
import { attachedDevice, detach } from './detach.ts'
import { attachment, attachmentView } from './shape.ts'
import { update } from './update.ts'

const rule = 'os_compute_api:os-volumes-attachments'
type OnVolume = BlockDevice & { readonly volumeId: string }
const isOnVolume = (device: BlockDevice): device is OnVolume => device.volumeId !== null

/** Nova counts every disk of the server for a page, and shows those on volumes. */
const index = operation<ApiDeps, { id: string }>()({
  policy: `${rule}:index`,
  query: query({ limit: nonNegative.optional(), offset: nonNegative.optional() }, { strict: since('2.75') }),
  reply: reply('volumeAttachments', list(obj(attachment))),
  faults: { InstanceNotFound: 404, InvalidInput: 400 },
  async handle({ path, caller, allow, page, rawQuery }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const { limit } = page()
    const offset = integerParameter(rawQuery, 'offset') ?? 0
    const devices = await deps.store.blockDevices.of(instance.id)
    return devices
      .slice(offset, offset + limit)
      .filter(isOnVolume)
      .map(attachmentView)
  },
})

const show = operation<ApiDeps, { id: string; volumeId: string }>()({
  policy: `${rule}:show`,
  reply: reply('volumeAttachment', attachment),
  faults: { InstanceNotFound: 404, VolumeNotAttached: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const device = await attachedDevice(deps, instance, path.volumeId)
    return attachmentView({ ...device, volumeId: path.volumeId })
  },
})

/** The volumes of a server. */
export const volumeAttachments = resource('/servers/{id}/os-volume_attachments', {
  'GET /': index,
  'POST /': attach,
  'GET /{volumeId}': show,
  'PUT /{volumeId}': update,
  'DELETE /{volumeId}': detach,
})
