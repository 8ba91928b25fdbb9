import {
  anything,
  int,
  keyed,
  link,
  list,
  metadata,
  obj,
  oneOf,
  positive,
  query,
  str,
  text,
  tuple,
  uri,
} from '#api/kit'

/** Images as the proxies show them: the shape of the Compute API of 2011, whatever the image service shows today. */

const alternate = obj({ rel: oneOf('alternate'), type: oneOf('application/vnd.openstack.image'), href: uri })
const links = tuple(link, link, alternate)

export const summary = { id: str, name: str.nullable(), links }

export const detail = {
  id: str,
  name: str.nullable(),
  minRam: int,
  minDisk: int,
  // Image properties may hold more than texts: a block device mapping is a list.
  metadata: keyed({ '^.*$': anything }),
  created: str,
  updated: str.nullable(),
  status: oneOf('ACTIVE', 'SAVING', 'DELETED', 'ERROR', 'UNKNOWN'),
  progress: int,
  'OS-EXT-IMG-SIZE:size': int,
  links,
  server: obj({ id: str, links: list(link) }).optional(),
  'OS-DCF:diskConfig': oneOf('AUTO', 'MANUAL').optional(),
} as const

const anyText = str.many().optional()

/** Whatever else is asked for is ignored; `property-*` is found by its name. */
export const listQuery = query({
  name: anyText,
  status: anyText,
  'changes-since': anyText,
  server: anyText,
  type: anyText,
  minRam: anyText,
  minDisk: anyText,
  limit: positive.optional(),
  page_size: positive.optional(),
  marker: anyText,
  offset: positive.optional(),
})

const oneItem = keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': text({ max: 255 }) }, { minKeys: 1, maxKeys: 1 })
export const metadataBody = obj({ metadata })
export const metaBody = obj({ meta: oneItem })
/** A list where the image service keeps one, as Nova reads it. */
export const metadataReply = keyed({ '^.*$': anything })
