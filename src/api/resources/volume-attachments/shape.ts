import { bool, obj, request, str, strictBool, tag, text, uuid } from '#api/kit'
import type { BlockDevice } from '#model'

const device = text({ pattern: '(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$' }).nullable().optional()

export const attachBody = request('volumeAttachment', {
  volumeId: uuid,
  device,
  tag: tag.optional().since('2.49'),
  delete_on_termination: bool.optional().since('2.79'),
})

/** Before 2.85 only another volume could be named; then also what may be changed, and the rest of what GET answers. */
export const updateBody = request('volumeAttachment', {
  volumeId: uuid,
  device: device.since('2.85'),
  tag: tag.optional().since('2.85'),
  delete_on_termination: bool.optional().since('2.85'),
  serverId: uuid.optional().since('2.85'),
  id: uuid.optional().since('2.85'),
})

export const attachment = {
  id: str.until('2.89'),
  volumeId: str,
  serverId: str,
  device: str.nullable().optional(),
  tag: str.nullable().since('2.70'),
  delete_on_termination: strictBool.since('2.79'),
  attachment_id: str.nullable().since('2.89'),
  bdm_uuid: str.since('2.89'),
}

/** What POST answers: the fields of 2.89 never came to it. */
export const attached = obj({
  id: str,
  volumeId: str,
  serverId: str,
  device: str.nullable(),
  tag: str.nullable().since('2.70'),
  delete_on_termination: strictBool.since('2.79'),
})

/** A disk without a name yet shows none. */
export const attachmentView = (device: BlockDevice & { readonly volumeId: string }) => ({
  id: device.volumeId,
  volumeId: device.volumeId,
  serverId: device.instanceId,
  ...(device.deviceName === null ? {} : { device: device.deviceName }),
  tag: device.tag,
  delete_on_termination: device.deleteOnTermination,
  attachment_id: device.attachmentId,
  bdm_uuid: device.id,
})
