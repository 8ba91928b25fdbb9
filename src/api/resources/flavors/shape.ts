import {
  anything,
  bool,
  int,
  intLike,
  keyed,
  links,
  name,
  num,
  numLike,
  obj,
  oneOf,
  query,
  request,
  since,
  str,
  strictBool,
  text,
  textOrNumber,
} from '#api/kit'

/** Flavors on the wire. */

export const extraSpecs = keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': text({ max: 255 }) })
/** Values may come as numbers; they are kept as text. */
export const extraSpecsIn = keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': textOrNumber({ max: 255 }) })
export const oneExtraSpecIn = keyed(
  { '^[a-zA-Z0-9-_:. ]{1,255}$': textOrNumber({ max: 255 }) },
  { minKeys: 1, maxKeys: 1 },
)
const guardedExtraSpecs = extraSpecs.optional().requires('os_compute_api:os-flavor-extra-specs:index').since('2.61')

export const summary = { id: str, name: str, links, description: str.nullable().since('2.55') }

export const detail = {
  id: str,
  name: str,
  ram: int,
  disk: int,
  vcpus: int,
  // A flavor without swap answered '' until 2.75.
  swap: anything.from('2.75', int),
  'OS-FLV-EXT-DATA:ephemeral': int,
  'OS-FLV-DISABLED:disabled': strictBool.until('2.102'),
  'os-flavor-access:is_public': strictBool,
  rxtx_factor: num.until('2.102'),
  description: str.nullable().since('2.55'),
  links,
  extra_specs: guardedExtraSpecs,
} as const

/** Upper bound of the integer columns. */
const most = 2_147_483_647
const amount = intLike({ low: 1, high: most })
const amountOrNone = intLike({ low: 0, high: most })
const description = text({ max: 65_535, format: 'printable' }).nullable()

export const createBody = request('flavor', {
  name,
  id: textOrNumber({ min: 1, max: 255, pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$' }).nullable().optional(),
  ram: amount,
  vcpus: amount,
  disk: amountOrNone,
  'OS-FLV-EXT-DATA:ephemeral': amountOrNone.optional(),
  swap: amountOrNone.optional(),
  rxtx_factor: numLike({ above: 0, high: 3.402_82e38, pattern: '^[0-9]+(\\.[0-9]+)?$' }).optional().until('2.102'),
  'os-flavor-access:is_public': bool.optional(),
  description: description.optional().since('2.55'),
})

export const updateBody = request('flavor', { description })
export const accessBody = obj({ tenant: text({ min: 1, max: 255 }) })

const sortKeys = [
  'created_at',
  'description',
  'disabled',
  'ephemeral_gb',
  'flavorid',
  'id',
  'is_public',
  'memory_mb',
  'name',
  'root_gb',
  'swap',
  'updated_at',
  'vcpu_weight',
  'vcpus',
] as const

export const listQuery = query(
  {
    limit: intLike({ pattern: '^[0-9]*$', low: 0, min: 1 }).optional(),
    marker: str.optional(),
    is_public: str.optional(),
    minRam: str.optional(),
    minDisk: str.optional(),
    sort_key: oneOf(...sortKeys, 'rxtx_factor')
      .optional()
      .many()
      .from(
        '2.102',
        oneOf(...sortKeys)
          .optional()
          .many(),
      ),
    sort_dir: oneOf('asc', 'desc').optional().many(),
    name: str.optional().since('2.102'),
  },
  { strict: since('2.75') },
)
