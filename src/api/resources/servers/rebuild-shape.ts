import {
  bare,
  bool,
  description,
  diskConfig,
  exactlyOne,
  fqdn,
  hostname,
  type In,
  ipv4,
  ipv6,
  list,
  metadata,
  name,
  nil,
  obj,
  reply,
  str,
  text,
  uuid,
} from '#api/kit'
import { personality } from './personality.ts'
import { detail, updated } from './shape.ts'

const rebuild = obj({
  name: name.optional(),
  imageRef: uuid,
  adminPass: str.optional(),
  metadata: metadata.optional(),
  preserve_ephemeral: bool.optional(),
  'OS-DCF:diskConfig': diskConfig.optional(),
  accessIPv4: ipv4.optional(),
  accessIPv6: ipv6.optional(),
  personality: personality.optional().until('2.57'),
  description: description.optional().since('2.19'),
  key_name: exactlyOne(text({ min: 1, max: 255 }), nil)
    .optional()
    .since('2.54'),
  user_data: text({ max: 65_535, format: 'base64' }).nullable().optional().since('2.57'),
  trusted_image_certificates: list(text({ min: 1 }), { min: 1, max: 50, unique: true })
    .nullable()
    .optional()
    .since('2.63'),
  hostname: hostname.optional().since('2.90').from('2.94', fqdn.optional()),
})

export const rebuildBody = bare(rebuild)
export type RebuildBody = In<typeof rebuild>

/** As PUT answers, but that it tells the user data under a name of its own. */
const { 'OS-EXT-SRV-ATTR:user_data': _, ...answered } = updated

export const rebuildReply = reply('server', {
  ...answered,
  key_name: detail.key_name.since('2.54'),
  user_data: str.nullable().since('2.57'),
  adminPass: str.optional(),
})
