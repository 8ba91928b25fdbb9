import { isUuidLike } from '#base'
import { canonicalAddress, isMac, parseCidr } from '../addresses.ts'
import { BadRequest } from '../faults.ts'

/** The attributes of a resource: how each is read from a request, and who may give or see it. */

/** Reads one JSON value, or says in Neutron's words what is wrong with it. */
export type Check<T> = (value: unknown) => { ok: T } | { reason: string }

export interface Attribute<T> {
  readonly check: Check<T>
  /** May stand in a POST, in a PUT. */
  readonly post: boolean
  readonly put: boolean
  readonly isRequired: boolean
  /** Only an administrator may give it. */
  readonly isAdminGiven: boolean
  /** Giving this value on create is the same as giving none, so everybody may. */
  readonly harmless?: unknown
  /** Only an administrator may see it. */
  readonly isAdminSeen: boolean
}

export type Attributes = Readonly<Record<string, Attribute<unknown>>>
export type Values<A extends Attributes> = { [K in keyof A]?: A[K] extends Attribute<infer T> ? T : never }

type Options = Partial<Omit<Attribute<unknown>, 'check'>>

const fixed = { post: true, put: true, isRequired: false, isAdminGiven: false, isAdminSeen: false }
export const attribute = <T>(check: Check<T>, options: Options = {}): Attribute<T> => ({ ...fixed, ...options, check })
/** Seen, never given. */
export const readOnly = (options: Options = {}): Attribute<unknown> =>
  attribute<unknown>(value => ({ ok: value }), { ...options, post: false, put: false })

const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))

export const text =
  (max: number): Check<string> =>
  value => {
    if (typeof value !== 'string') return { reason: `${quoted(value)} is not a valid string` }
    return value.length > max ? { reason: `'${value}' exceeds maximum length of ${max}` } : { ok: value }
  }

export const truth: Check<boolean> = value => {
  const word = typeof value === 'string' ? value.toLowerCase() : value
  if (word === true || word === 'true' || word === 1 || word === '1') return { ok: true }
  if (word === false || word === 'false' || word === 0 || word === '0') return { ok: false }
  return { reason: `${quoted(value)} cannot be converted to boolean` }
}

export const integer =
  (min: number, max: number): Check<number> =>
  value => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number)) return { reason: `${quoted(value)} is not an integer` }
    if (number < min) return { reason: `'${number}' is too small - must be at least '${min}'` }
    return number > max ? { reason: `'${number}' is too large - must be no larger than '${max}'` } : { ok: number }
  }

export const oneOf =
  <const T>(...choices: readonly T[]): Check<T> =>
  value => {
    const found = choices.find(choice => choice === value)
    return found === undefined
      ? { reason: `${quoted(value)} is not in [${choices.map(quoted).join(', ')}]` }
      : { ok: found }
  }

export const uuid: Check<string> = value =>
  typeof value === 'string' && isUuidLike(value) ? { ok: value } : { reason: `${quoted(value)} is not a valid UUID` }

export const address: Check<string> = value => {
  const canonical = typeof value === 'string' ? canonicalAddress(value) : undefined
  return canonical === undefined ? { reason: `${quoted(value)} is not a valid IP address` } : { ok: canonical }
}

export const cidr: Check<string> = value =>
  typeof value === 'string' && parseCidr(value) !== undefined
    ? { ok: value }
    : { reason: `${quoted(value)} is not a valid IP subnet` }

export const mac: Check<string> = value =>
  typeof value === 'string' && isMac(value)
    ? { ok: value.toLowerCase() }
    : { reason: `${quoted(value)} is not a valid MAC address` }

export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  value =>
    value === null ? { ok: null } : check(value)

export const listOf =
  <T>(check: Check<T>): Check<readonly T[]> =>
  value => {
    if (!Array.isArray(value)) return { reason: `${quoted(value)} is not a list` }
    const items: T[] = []
    for (const item of value as readonly unknown[]) {
      const result = check(item)
      if ('reason' in result) return result
      items.push(result.ok)
    }
    return { ok: items }
  }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const dictionary: Check<Readonly<Record<string, unknown>>> = value =>
  isObject(value) ? { ok: value } : { reason: `${quoted(value)} is not a dictionary` }

/** An object with known keys; `required` of them must be there. */
export const record =
  <T extends Record<string, Check<unknown>>>(
    checks: T,
    required: readonly (keyof T & string)[] = [],
  ): Check<{ [K in keyof T]?: T[K] extends Check<infer V> ? V : never }> =>
  value => {
    if (!isObject(value)) return { reason: `${quoted(value)} is not a dictionary` }
    const missing = required.filter(key => !(key in value))
    const strange = Object.keys(value).filter(key => !(key in checks))
    if (missing.length > 0 || strange.length > 0) {
      const keys = Object.keys(value).map(quoted).join(', ')
      return { reason: `Expected keys [${Object.keys(checks).map(quoted).join(', ')}], got [${keys}]` }
    }
    const result: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(value)) {
      const checked = checks[key]?.(item)
      if (checked === undefined) continue
      if ('reason' in checked) return checked
      result[key] = checked.ok
    }
    return { ok: result as { [K in keyof T]?: T[K] extends Check<infer V> ? V : never } }
  }

/** Reads the attributes of one resource out of a request; refuses what it does not know or what is wrong. */
export function readAttributes<A extends Attributes>(
  attributes: A,
  verb: 'post' | 'put',
  body: Readonly<Record<string, unknown>>,
): Values<A> {
  const unknown = Object.keys(body).filter(name => !Object.hasOwn(attributes, name))
  if (unknown.length > 0) throw BadRequest({ reason: `Unrecognized attribute(s) '${unknown.join(', ')}'` })
  const values: Record<string, unknown> = {}
  for (const [name, attribute] of Object.entries(attributes)) {
    if (!Object.hasOwn(body, name)) {
      if (verb === 'post' && attribute.isRequired) {
        throw BadRequest({ reason: `Failed to parse request. Required attribute '${name}' not specified` })
      }
      continue
    }
    if (!attribute[verb]) {
      throw BadRequest({
        reason:
          verb === 'post' ? `Attribute '${name}' not allowed in POST` : `Cannot update read-only attribute ${name}`,
      })
    }
    const checked = attribute.check(body[name])
    if ('reason' in checked) throw BadRequest({ reason: `Invalid input for ${name}. Reason: ${checked.reason}.` })
    values[name] = checked.ok
  }
  return values as Values<A>
}
