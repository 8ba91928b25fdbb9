import { sendJson } from '#http'
import { type Parts, route } from './exchange.ts'

export const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'] as const
export const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const
export const visibilities = ['community', 'public', 'private', 'shared'] as const
export const uuidPattern = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

const statuses = [
  'queued',
  'saving',
  'active',
  'killed',
  'deleted',
  'uploading',
  'importing',
  'pending_delete',
  'deactivated',
]

const readOnly = (type: unknown, description: string, more: object = {}) => ({
  type,
  readOnly: true,
  description,
  ...more,
})

const properties = {
  id: { type: 'string', description: 'An identifier for the image', pattern: uuidPattern },
  name: { type: ['null', 'string'], description: 'Descriptive name for the image', maxLength: 255 },
  status: readOnly('string', 'Status of the image', { enum: statuses }),
  visibility: { type: 'string', description: 'Scope of image accessibility', enum: visibilities },
  protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
  os_hidden: { type: 'boolean', description: 'If true, image will not appear in default image list response.' },
  checksum: readOnly(['null', 'string'], 'md5 hash of image contents.', { maxLength: 32 }),
  os_hash_algo: readOnly(['null', 'string'], 'Algorithm to calculate the os_hash_value', { maxLength: 64 }),
  os_hash_value: readOnly(
    ['null', 'string'],
    'Hexdigest of the image contents using the algorithm specified by the os_hash_algo',
    { maxLength: 128 },
  ),
  owner: { type: ['null', 'string'], description: 'Owner of the image', maxLength: 255 },
  size: readOnly(['null', 'integer'], 'Size of image file in bytes'),
  virtual_size: readOnly(['null', 'integer'], 'Virtual size of image in bytes'),
  container_format: {
    type: ['null', 'string'],
    description: 'Format of the container',
    enum: [null, ...containerFormats],
  },
  disk_format: { type: ['null', 'string'], description: 'Format of the disk', enum: [null, ...diskFormats] },
  created_at: readOnly('string', 'Date and time of image registration'),
  updated_at: readOnly('string', 'Date and time of the last image modification'),
  tags: {
    type: 'array',
    description: 'List of strings related to the image',
    items: { type: 'string', maxLength: 255 },
  },
  direct_url: readOnly('string', 'URL to access the image file kept in external store'),
  min_ram: { type: 'integer', description: 'Amount of ram (in MB) required to boot image.' },
  min_disk: { type: 'integer', description: 'Amount of disk space (in GB) required to boot image.' },
  self: readOnly('string', 'An image self url'),
  file: readOnly('string', 'An image file url'),
  schema: readOnly('string', 'An image schema url'),
}

const image = {
  name: 'image',
  properties,
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}

const member = {
  name: 'member',
  properties: {
    created_at: { type: 'string', description: 'Date and time of image member creation' },
    image_id: { type: 'string', description: 'An identifier for the image', pattern: uuidPattern },
    member_id: { type: 'string', description: 'An identifier for the image member (tenantId)' },
    schema: { readOnly: true, type: 'string' },
    status: {
      type: 'string',
      description: 'The status of this image member',
      enum: ['pending', 'accepted', 'rejected'],
    },
    updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
  },
}

const task = {
  name: 'task',
  properties: {
    id: { type: 'string', description: 'An identifier for the task', pattern: uuidPattern },
    type: { type: 'string', description: 'The type of task represented by this content', enum: ['import'] },
    status: {
      type: 'string',
      description: 'The current status of this task',
      enum: ['pending', 'processing', 'success', 'failure'],
    },
    input: { type: ['null', 'object'], description: 'The parameters required by task, JSON blob' },
    result: { type: ['null', 'object'], description: 'The result of current task, JSON blob' },
    owner: { type: 'string', description: 'An identifier for the owner of this task' },
    message: { type: 'string', description: 'Human-readable informative message only included when appropriate' },
    expires_at: { type: ['null', 'string'], description: 'Datetime when this resource would be subject to removal' },
    created_at: { type: 'string', description: 'Datetime when this resource was created' },
    updated_at: { type: 'string', description: 'Datetime when this resource was updated' },
    self: { readOnly: true, type: 'string' },
    schema: { readOnly: true, type: 'string' },
  },
}

const collection = (name: string, item: object) => ({
  name,
  properties: {
    [name]: { type: 'array', items: item },
    first: { type: 'string' },
    next: { type: 'string' },
    schema: { type: 'string' },
  },
  links: [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ],
})

export function schemaRoutes(parts: Parts): void {
  const documents = {
    image,
    images: collection('images', image),
    task,
    tasks: collection('tasks', task),
    member,
    members: {
      name: 'members',
      properties: { members: { type: 'array', items: member }, schema: { type: 'string' } },
      links: [{ rel: 'describedby', href: '{schema}' }],
    },
  }
  for (const [name, document] of Object.entries(documents)) {
    route(parts, 'GET', `/v2/schemas/${name}`, x => sendJson(x.reply, 200, document))
  }
}
