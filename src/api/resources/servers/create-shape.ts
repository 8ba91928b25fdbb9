import {
  anything,
  bool,
  description,
  diskConfig,
  either,
  exactlyOne,
  fqdn,
  hostname,
  intLike,
  ipAddress,
  ipv4,
  ipv6,
  list,
  metadata,
  mixed,
  name,
  nil,
  obj,
  oneOf,
  type Request,
  request,
  str,
  tag,
  text,
  uuid,
  uuidOrEmpty,
} from '#api/kit'
import { personality } from './personality.ts'

/** The body of POST /servers. */

const userData = text({ max: 65_535, format: 'base64' })
const volumeSize = intLike({ low: 1, high: 2_147_483_647 })
const deviceName = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9._/-]*$' })

const oldDevice = {
  virtual_name: text({ max: 255 }).optional(),
  volume_id: uuid.optional(),
  snapshot_id: uuid.optional(),
  volume_size: volumeSize.optional(),
  device_name: deviceName.optional(),
  delete_on_termination: bool.optional(),
  no_device: anything.optional(),
  connection_info: text({ max: 16_777_215 }).optional(),
}

const device = obj({
  ...oldDevice,
  source_type: oneOf('volume', 'image', 'snapshot', 'blank').optional(),
  uuid: text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9._-]*$' }).optional(),
  image_id: uuid.optional(),
  destination_type: oneOf('local', 'volume').optional(),
  guest_format: text({ max: 255 }).optional(),
  device_type: text({ max: 255 }).optional(),
  disk_bus: text({ max: 255 }).optional(),
  boot_index: either(intLike({ pattern: '^-?[0-9]+$' }), nil).optional(),
  // Meant for 2.32 and later, shipped for 2.32 only by an off-by-one, mended in 2.42.
  tag: tag.optional().since('2.32').until('2.33').from('2.42', tag.optional()),
  volume_type: text({ max: 255 }).nullable().optional().since('2.67'),
})

const network = obj({
  fixed_ip: ipAddress.optional(),
  port: uuid.nullable().optional(),
  uuid: str.optional().from('2.37', uuid.optional()),
  // Lost in 2.37 by the same kind of mistake.
  tag: tag.optional().since('2.32').until('2.37').from('2.42', tag.optional()),
})

const count = intLike({ pattern: '^[0-9]*$', low: 1, min: 1 })

const oneOrMany = exactlyOne(list(uuid), uuid)
const scheduler_hints = mixed(
  {
    group: oneOrMany.optional(),
    different_host: exactlyOne(uuid, list(uuid)).optional(),
    same_host: either(list(uuid), str).optional(),
    query: either(obj({}, { rest: 'any' }), str).optional(),
    target_cell: text({ min: 1, max: 255, format: 'name' }).optional(),
    different_cell: either(list(str), str).optional(),
    build_near_host_ip: ipAddress.optional(),
    cidr: text({ pattern: '^/[0-9a-f.:]+$' }).optional(),
  },
  {},
  { rest: 'any' },
)

export const createBody = request(
  'server',
  {
    name,
    imageRef: uuidOrEmpty.optional(),
    flavorRef: either(text({ min: 1 }), intLike()),
    adminPass: str.optional(),
    metadata: metadata.optional(),
    networks: list(network)
      .optional()
      .from('2.37', exactlyOne(list(network), oneOf('none', 'auto'))),
    'OS-DCF:diskConfig': diskConfig.optional(),
    accessIPv4: ipv4.optional(),
    accessIPv6: ipv6.optional(),
    personality: personality.optional().until('2.57'),
    // With its colons: `zone:host:node` forces a host.
    availability_zone: name.optional(),
    block_device_mapping: list(obj(oldDevice)).optional(),
    block_device_mapping_v2: list(device).optional(),
    config_drive: bool.optional(),
    key_name: name.optional(),
    min_count: count.optional(),
    max_count: count.optional(),
    return_reservation_id: bool.optional(),
    security_groups: list(obj({ name: name.optional() })).optional(),
    // Only the legacy endpoint takes null.
    user_data: userData.nullable().optional().from('2.1', userData.optional()),
    description: description.optional().since('2.19'),
    tags: list(tag, 50).optional().since('2.52'),
    trusted_image_certificates: list(text({ min: 1 }), { min: 1, max: 50, unique: true })
      .nullable()
      .optional()
      .since('2.63'),
    host: fqdn.optional().since('2.74'),
    hypervisor_hostname: fqdn.optional().since('2.74'),
    hostname: hostname.optional().since('2.90').from('2.94', fqdn.optional()),
  },
  { 'os:scheduler_hints': scheduler_hints.optional(), 'OS-SCH-HNT:scheduler_hints': scheduler_hints.optional() },
)

type Parts<R> = R extends Request<infer B, infer E> ? { body: B; envelope: E } : never
export type CreateBody = Parts<typeof createBody>['body']
export type CreateEnvelope = Parts<typeof createBody>['envelope']
