import {
  anything,
  either,
  exactlyOne,
  int,
  keyed,
  link,
  links,
  list,
  obj,
  oneOf,
  reply,
  str,
  strictBool,
  text,
} from '#api/kit'

/** The server as answers show it, with the history of every field. */

export const extendedAttributes = 'os_compute_api:os-extended-server-attributes'
/** Host, node, guest name and the fields of 2.3: for administrators by default. */
const attribute = str.nullable().optional().requires(extendedAttributes)
const attributeSince23 = attribute.since('2.3')

export const summary = { id: str, name: str, links }

const address = obj({ version: int, addr: str, 'OS-EXT-IPS:type': str, 'OS-EXT-IPS-MAC:mac_addr': str })
export const addresses = keyed({ '^.*$': list(address) })
/** What changes of a server answered before 2.75. */
const bareAddresses = keyed({ '^.*$': list(obj({ version: int, addr: str })) })

const flavorLink = obj({ id: str, links: list(link) })
const flavorWhole = obj({
  vcpus: int,
  ram: int,
  disk: int,
  ephemeral: int,
  swap: int,
  original_name: str,
  extra_specs: keyed({ '^.+$': str }).optional().requires('os_compute_api:servers:show:flavor-extra-specs'),
})

const image = exactlyOne(
  text({ max: 0 }),
  obj({ id: str, links: list(link), properties: keyed({ '^.*$': str }).optional().since('2.98') }),
)

const fault = obj({ code: int, created: str, message: str, details: str.optional() })
const volume = obj({ id: str, delete_on_termination: strictBool.since('2.3') })

export const detail = {
  id: str,
  name: str,
  status: str,
  tenant_id: str,
  user_id: str,
  metadata: keyed({ '^.+$': str }),
  hostId: str,
  image,
  flavor: flavorLink.from('2.47', flavorWhole),
  created: str,
  updated: str,
  addresses,
  accessIPv4: str,
  accessIPv6: str,
  links,
  'OS-DCF:diskConfig': str,
  progress: int.optional(),
  fault: fault.optional(),
  'OS-EXT-AZ:availability_zone': str,
  pinned_availability_zone: str.nullable().since('2.96'),
  config_drive: str,
  key_name: str.nullable(),
  'OS-SRV-USG:launched_at': str.nullable(),
  'OS-SRV-USG:terminated_at': str.nullable(),
  'OS-EXT-SRV-ATTR:host': attribute,
  'OS-EXT-SRV-ATTR:instance_name': attribute,
  'OS-EXT-SRV-ATTR:hypervisor_hostname': attribute,
  'OS-EXT-SRV-ATTR:reservation_id': attributeSince23,
  'OS-EXT-SRV-ATTR:launch_index': int.nullable().optional().requires(extendedAttributes).since('2.3'),
  // For everybody from 2.90 on, because users may set it from then on.
  'OS-EXT-SRV-ATTR:hostname': attributeSince23.from('2.90', str),
  'OS-EXT-SRV-ATTR:kernel_id': attributeSince23,
  'OS-EXT-SRV-ATTR:ramdisk_id': attributeSince23,
  'OS-EXT-SRV-ATTR:root_device_name': attributeSince23,
  'OS-EXT-SRV-ATTR:user_data': attributeSince23,
  'OS-EXT-STS:task_state': str.nullable(),
  'OS-EXT-STS:vm_state': str.nullable(),
  'OS-EXT-STS:power_state': int,
  'os-extended-volumes:volumes_attached': list(volume),
  locked: strictBool.since('2.9'),
  locked_reason: str.nullable().since('2.73'),
  host_status: str.optional().requires('os_compute_api:servers:show:host_status').since('2.16'),
  description: str.nullable().since('2.19'),
  tags: list(str).since('2.26'),
  trusted_image_certificates: list(str).nullable().since('2.63'),
  security_groups: list(obj({ name: str })).optional(),
  scheduler_hints: anything.since('2.100'),
} as const

/** Show alone tells the groups (2.71), a list would ask for each server. */
export const shown = { ...detail, server_groups: list(str).since('2.71') }

/** PUT answers with a part of the server before 2.75, with all of it from then on. */
const partial = {
  id: str,
  name: str,
  status: str,
  tenant_id: str,
  user_id: str,
  metadata: detail.metadata,
  hostId: str,
  image,
  flavor: detail.flavor,
  created: str,
  updated: str,
  addresses,
  accessIPv4: str,
  accessIPv6: str,
  links,
  'OS-DCF:diskConfig': str,
  progress: detail.progress,
  fault: detail.fault,
  locked: detail.locked,
  locked_reason: detail.locked_reason,
  description: detail.description,
  tags: detail.tags,
  trusted_image_certificates: detail.trusted_image_certificates,
  server_groups: shown.server_groups,
} as const

const omitted = Object.keys(shown).filter(key => !(key in partial))
/** The same fields as `shown`; those that PUT did not answer exist from 2.75 on. */
export const updated = Object.fromEntries(
  Object.entries({ ...shown, addresses: bareAddresses.from('2.75', addresses) }).map(([key, shape]) => [
    key,
    omitted.includes(key) ? shape.since('2.75') : shape,
  ]),
) as typeof shown

const awaySummary = { id: str, status: oneOf('UNKNOWN'), links }
const awayDetail = { ...awaySummary, tenant_id: str, created: str }
const awayWhole = {
  ...awayDetail,
  user_id: str,
  image,
  flavor: detail.flavor,
  'OS-EXT-AZ:availability_zone': str,
  'OS-EXT-STS:power_state': int,
  server_groups: shown.server_groups,
}

/** From 2.69 on what is known of a server whose cell is away is shown. */
export const summaryOrAway = obj(summary).from('2.69', either(obj(summary), obj(awaySummary)))
export const detailOrAway = obj(detail).from('2.69', either(obj(detail), obj(awayDetail)))

export const serverReply = reply('server', obj(shown).from('2.69', either(obj(shown), obj(awayWhole))))
export const updateReply = reply('server', updated)
