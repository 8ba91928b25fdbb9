import { bare, bool, either, fqdn, int, obj, oneOf, str, strictBool, text, uuid } from '#api/kit'

const isoText = str.nullable()

export const service = {
  binary: str,
  host: str,
  id: int.from('2.53', uuid),
  zone: str,
  status: oneOf('enabled', 'disabled'),
  state: oneOf('up', 'down'),
  updated_at: isoText,
  disabled_reason: str.nullable(),
  forced_down: strictBool.since('2.11'),
}

/** Of a host whose cell is away it is known that it is there. */
const unknownService = { binary: str, host: str, status: oneOf('UNKNOWN') }
export const serviceOrUnknown = obj(service).from('2.69', either(obj(service), obj(unknownService)))

/** Before 2.53 an update answers with what it was told. */
const updated = obj({
  host: str,
  binary: str,
  status: oneOf('enabled', 'disabled').optional(),
  disabled_reason: str.optional(),
  forced_down: strictBool.optional(),
})
export const updateReply = updated.from('2.53', obj(service))

const reason = text({ min: 1, max: 255 }).optional()

/** Until 2.52 the path says what to do and the body to which service; since 2.53 it is the other way round. */
export const updateBody = bare(
  obj({
    host: fqdn.until('2.53'),
    binary: text({ min: 1, max: 255 }).until('2.53'),
    status: oneOf('enabled', 'disabled').optional().since('2.53'),
    disabled_reason: reason,
    forced_down: bool.optional().since('2.11'),
  }),
)
