/**
 * What a command can be told, in the words of its command line: the name is the key (`--max_rows`, or `instance_uuid` for
 * one without dashes), and the value that the command gets has the type that is declared here.
 */
export interface Argument<T> {
  /** `flag` takes no value, `many` may be repeated. */
  readonly kind: 'flag' | 'one' | 'many'
  readonly metavar: string
  readonly help: string
  readonly isRequired: boolean
  /** Throws `BadValue` for a text that it does not take. */
  readonly read: (text: string) => unknown
  readonly fallback?: T
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>

/** What was given, by the names of the command line. */
export type Given<A extends Arguments> = { readonly [K in keyof A]: A[K] extends Argument<infer T> ? T : never }

/** What is wrong with a value; the command line is then refused with usage and exit code 2. */
export class BadValue extends Error {}

const asIs = (text: string): string => text

export const flag = (help: string): Argument<boolean> => ({
  kind: 'flag',
  metavar: '',
  help,
  isRequired: false,
  read: asIs,
  fallback: false,
})

export const text = (metavar: string, help: string): Argument<string | undefined> => ({
  kind: 'one',
  metavar,
  help,
  isRequired: false,
  read: asIs,
})

export const texts = (metavar: string, help: string): Argument<readonly string[]> => ({
  kind: 'many',
  metavar,
  help,
  isRequired: false,
  read: asIs,
  fallback: [],
})

export const required = <T>(argument: Argument<T | undefined>): Argument<T> => {
  const { fallback: _, ...rest } = argument
  return { ...rest, isRequired: true }
}

interface Bounds {
  readonly low?: number
  readonly high?: number
}

function wholeNumber(text: string, { low, high }: Bounds): number {
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new BadValue(`invalid int value: '${text}'`)
  if ((low !== undefined && value < low) || (high !== undefined && value > high))
    throw new BadValue(`a whole number from ${low ?? 'any'} to ${high ?? 'any'}`)
  return value
}

/** A whole number; one outside of the bounds is a wrong command line. */
export const integer = (metavar: string, help: string, fallback: number, bounds: Bounds = {}): Argument<number> => ({
  kind: 'one',
  metavar,
  help,
  isRequired: false,
  read: given => wholeNumber(given, bounds),
  fallback,
})
