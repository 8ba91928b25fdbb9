/** One option: how its text is read, its default, and what the sample file says about it. */
export interface Option<T> {
  /** Throws a plain Error whose message says what is wrong with the text. */
  readonly read: (text: string) => T
  /** A string may use `$other` and `${section.other}`, like a value in a file. */
  readonly default: T | (() => T)
  readonly help: string
  /** As the sample file names it: `integer value`. */
  readonly typeName: string
  /** Every assignment counts, not only the last. */
  readonly isMulti: boolean
  readonly settings: Settings
}

export interface Settings {
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  /** Old names, `SECTION.name`, that still set this option. */
  readonly deprecated?: readonly string[]
  /** May change while the process runs (SIGHUP). */
  readonly mutable?: boolean
  /** A password: the sample and the log show no value. */
  readonly secret?: boolean
  /** What the sample prints when the default depends on the machine. */
  readonly sample?: string
}

const define = <T>(
  typeName: string,
  read: (text: string) => T,
  preset: T | (() => T),
  help: string,
  settings: Settings = {},
  isMulti = false,
): Option<T> => ({ typeName, read, default: preset, help, settings, isMulti })

/** The type of an option whose default may be "not set". */
type Of<T, D> = D extends null ? T | null : T

function oneOf(text: string, choices: readonly string[] | undefined): string {
  if (choices !== undefined && !choices.includes(text)) {
    throw new Error(`Valid values are [${choices.join(', ')}], but found '${text}'`)
  }
  return text
}

function number(text: string, pattern: RegExp, settings: Settings): number {
  const trimmed = text.trim()
  if (!pattern.test(trimmed)) throw new Error(`invalid number '${text}'`)
  const value = Number(trimmed)
  if (settings.min !== undefined && value < settings.min)
    throw new Error(`Should be greater than or equal to ${settings.min}`)
  if (settings.max !== undefined && value > settings.max)
    throw new Error(`Should be less than or equal to ${settings.max}`)
  return value
}

const whole = /^[+-]?\d+$/
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Numbers may be left empty, which means "not set". */
const orNull =
  <T>(read: (text: string) => T) =>
  (text: string): T | null =>
    text.trim() === '' ? null : read(text)

const flags: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  on: true,
  yes: true,
  false: false,
  '0': false,
  off: false,
  no: false,
}

function flag(text: string): boolean {
  const value = Object.hasOwn(flags, text.toLowerCase()) ? flags[text.toLowerCase()] : undefined
  if (value === undefined) throw new Error(`Unexpected boolean value '${text}'`)
  return value
}

function items(text: string): string[] {
  const trimmed = text.trim().replace(/,+$/, '')
  return trimmed === '' ? [] : trimmed.split(',').map(item => item.trim())
}

function pairs(text: string): Record<string, string> {
  const result: Record<string, string> = {}
  let key: string | undefined
  for (const part of text.trim() === '' ? [] : text.split(',')) {
    const at = part.indexOf(':')
    if (at < 0) throw new Error('Value should be NAME:VALUE pairs separated by ","')
    key = part.slice(0, at).trim()
    if (key === '') throw new Error('Key name should not be empty')
    if (Object.hasOwn(result, key)) throw new Error(`Duplicate key ${key}`)
    result[key] = part.slice(at + 1).trim()
  }
  return result
}

export function str<D extends string | null>(
  preset: D | (() => D),
  help: string,
  settings: Settings = {},
): Option<Of<string, D>> {
  const read = (text: string) => oneOf(text, settings.choices) as Of<string, D>
  return define('string value', read, preset as Of<string, D>, help, settings)
}

/** A string of which only the listed ones are accepted, with the union of them as its type. */
export function choice<const C extends readonly string[]>(
  choices: C,
  preset: C[number],
  help: string,
  settings?: Settings,
): Option<C[number]>
export function choice<const C extends readonly string[]>(
  choices: C,
  preset: null,
  help: string,
  settings?: Settings,
): Option<C[number] | null>
export function choice(
  choices: readonly string[],
  preset: string | null,
  help: string,
  settings: Settings = {},
): Option<string | null> {
  return define<string | null>('string value', text => oneOf(text, choices), preset, help, { ...settings, choices })
}

export function int<D extends number | null>(preset: D, help: string, settings: Settings = {}): Option<Of<number, D>> {
  const read = (text: string) => number(text, whole, settings)
  const accept = preset === null ? orNull(read) : read
  return define('integer value', accept as (text: string) => Of<number, D>, preset as Of<number, D>, help, settings)
}

export function float<D extends number | null>(
  preset: D,
  help: string,
  settings: Settings = {},
): Option<Of<number, D>> {
  const read = (text: string) => number(text, decimal, settings)
  const accept = preset === null ? orNull(read) : read
  return define(
    'floating point value',
    accept as (text: string) => Of<number, D>,
    preset as Of<number, D>,
    help,
    settings,
  )
}

export const port = (preset: number, help: string, settings: Settings = {}): Option<number> =>
  define('port value', text => number(text, whole, { min: 0, max: 65535 }), preset, help, {
    min: 0,
    max: 65535,
    ...settings,
  })

export const bool = <D extends boolean | null>(
  preset: D,
  help: string,
  settings: Settings = {},
): Option<Of<boolean, D>> =>
  define<Of<boolean, D>>(
    'boolean value',
    flag as (text: string) => Of<boolean, D>,
    preset as Of<boolean, D>,
    help,
    settings,
  )

export const list = (preset: readonly string[], help: string, settings: Settings = {}): Option<readonly string[]> =>
  define('list value', text => items(text).map(item => oneOf(item, settings.choices)), preset, help, settings)

export const dict = (
  preset: Readonly<Record<string, string>>,
  help: string,
  settings: Settings = {},
): Option<Readonly<Record<string, string>>> => define('dict value', pairs, preset, help, settings)

/** May be given several times; all values count, in order. */
export const multi = (preset: readonly string[], help: string, settings: Settings = {}): Option<readonly string[]> =>
  define('multi valued', text => [text], preset, help, settings, true)

export type Section = Readonly<Record<string, Option<unknown>>>
