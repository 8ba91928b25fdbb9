import { shapeOf } from './shape.ts'
import { both, exactlyOne, intLike, keyed, obj, oneOf, str, text } from './shapes.ts'

/** Shapes that many resources share, under the names of Nova's parameter types. */

const printableName = text({ min: 1, max: 255, format: 'name' })
const spacedName = text({ min: 1, max: 255, format: 'name_with_leading_trailing_spaces' })

/** Printable, no white space at the ends (the /v2 endpoint allows it; the handler trims). */
export const name = printableName.legacy(spacedName)

export const azName = text({ min: 1, max: 255, format: 'az_name' }).legacy(
  text({ min: 1, max: 255, format: 'az_name_with_leading_trailing_spaces' }),
)

export const keypairName = both(printableName, text({ min: 1, max: 255, format: 'keypair_name_20' })).legacy(spacedName)
export const keypairNameWide = both(printableName, text({ min: 1, max: 255, format: 'keypair_name_292' }))

export const uuid = text({ format: 'uuid' })
export const uuidOrEmpty = exactlyOne(uuid, text({ max: 0 }))
export const uri = text({ format: 'uri' })
export const dateTime = text({ format: 'date-time' })
export const base64 = text({ format: 'base64' })
export const ipv4 = text({ format: 'ipv4' })
export const ipv6 = text({ format: 'ipv6' })
export const ipAddress = exactlyOne(ipv4, ipv6)
export const cidr = text({ format: 'cidr' })
export const regex = text({ format: 'regex' })
export const macAddress = text({ format: 'mac-address' })

/** Printable text up to 255 characters, or null. */
export const description = text({ min: 0, max: 255, format: 'printable' }).nullable()

export const projectId = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-]*$' })
export const hostname = text({ min: 2, max: 63, pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$' })
/** Underscores are allowed because they occur in real systems. */
export const fqdn = text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-._]*$' })

/** Tags of servers and devices: no comma, no slash. */
export const tag = text({ min: 1, max: 60, pattern: '^[^,/]*$' })

export const positive = intLike({ pattern: '^[0-9]*$', low: 1, min: 1 })
export const nonNegative = intLike({ pattern: '^[0-9]*$', low: 0, min: 1 })

export const metadata = keyed({ '^[a-zA-Z0-9-_:. ]{1,255}$': text({ max: 255 }) })
export const diskConfig = oneOf('AUTO', 'MANUAL')

export const link = obj({ rel: str, href: uri })
export const links = shapeOf<Link[], readonly Link[]>({ kind: 'list', items: link, unique: false })

export interface Link {
  readonly rel: string
  readonly href: string
}
