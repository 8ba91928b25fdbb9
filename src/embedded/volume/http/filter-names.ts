/** By what a list may be filtered by everybody, as `GET /resource_filters` tells it. */
export const filterNames = {
  volume: [
    'name',
    'status',
    'metadata',
    'bootable',
    'migration_status',
    'availability_zone',
    'group_id',
    'size',
    'created_at',
    'updated_at',
  ],
  snapshot: ['name', 'status', 'volume_id', 'metadata', 'availability_zone'],
  attachment: ['volume_id', 'status', 'instance_id', 'attach_status'],
  message: ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'],
  pool: ['name', 'volume_type'],
} as const satisfies Readonly<Record<string, readonly string[]>>
