import {
  anything,
  azName,
  bare,
  both,
  either,
  exactlyOne,
  fqdn,
  int,
  keyed,
  list,
  name,
  nil,
  obj,
  request,
  str,
  strictBool,
  text,
  uuid,
} from '#api/kit'
import { isoMicros } from '#base'
import type { Aggregate } from '#store'

/** As it is after its creation: without hosts and metadata, which it then cannot have but for the zone. */
export const newAggregate = {
  id: int,
  uuid: uuid.since('2.41'),
  name: str,
  availability_zone: str.nullable(),
  created_at: str,
  updated_at: str.nullable(),
  deleted: strictBool,
  deleted_at: nil,
}
export const aggregate = { ...newAggregate, hosts: list(str), metadata: keyed({ '^.*$': str }) }

export const aggregateView = (a: Aggregate) => ({
  id: a.id,
  uuid: a.uuid,
  name: a.name,
  availability_zone: a.metadata['availability_zone'] ?? null,
  created_at: isoMicros(a.createdAtMs),
  updated_at: a.updatedAtMs === null ? null : isoMicros(a.updatedAtMs),
  deleted: false,
  deleted_at: null,
  hosts: a.hosts,
  metadata: a.metadata,
})

const zone = exactlyOne(azName, nil).optional()

export const createBody = request('aggregate', { name, availability_zone: zone })

/** White space around a new name is cut off, not refused, at every version. */
const spacedName = text({ min: 1, max: 255, format: 'name_with_leading_trailing_spaces' }).optional()
const open = { rest: 'any' } as const
export const updateBody = bare(
  obj({
    aggregate: both(
      obj({ name: spacedName, availability_zone: zone }),
      either(obj({ name: anything }, open), obj({ availability_zone: anything }, open)),
    ),
  }),
)

export const hostBody = bare(obj({ host: fqdn }))
export const metadataBody = bare(
  obj({ metadata: keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': text({ max: 255 }).nullable() }) }),
)
export const imagesBody = bare(obj({ cache: list(obj({ id: uuid }), { min: 1 }) }))
