/** Reads nova.conf and its kin into typed values. Order of precedence: overrides, environment, later file, earlier file, default. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '#base'
import { ConfigFileMissing, ConfigFileUnreadable, ConfigValuesWrong } from './faults.ts'
import { type Assignment, parseIni } from './ini.ts'
import type { Option, Section } from './option.ts'
import { sections } from './options/index.ts'

type Sections = typeof sections
type Values<S> = { readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never }

/** An assignment that no option answers to; kept for the log, never an error: other programs share the file. */
export interface UnknownOption {
  readonly section: string
  readonly name: string
  readonly place: string
}

export interface ConfigFacts {
  /** The files that were read, in order. */
  readonly files: readonly string[]
  readonly unknown: readonly UnknownOption[]
  /** `numa_nodes` of `[neutron_physnet_NAME]`, by the name: there are as many such sections as networks. */
  readonly physnetNodes: Readonly<Record<string, string>>
  /** Deprecated names in use, as sentences. */
  readonly warnings: readonly string[]
}

/** Typed values by section: `config.DEFAULT.host`, `config.libvirt.virt_type`. */
export type Config = { readonly [S in keyof Sections]: Values<Sections[S]> } & ConfigFacts

export type ConfigOverrides = { readonly [S in keyof Sections]?: Partial<Values<Sections[S]>> }

export interface LoadOptions {
  /** As `--config-file`: must exist; later ones win. */
  readonly files?: readonly string[]
  /** As `--config-dir`: the `*.conf` files inside, sorted, after `files`. */
  readonly dirs?: readonly string[]
  /** Values set by the program itself; stronger than any file. */
  readonly overrides?: ConfigOverrides
  /** What this program has instead of the usual defaults; weaker than any file. */
  readonly presets?: ConfigOverrides
  /** Where `OS_<SECTION>__<OPTION>` is looked up; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

interface Setting {
  readonly texts: string[]
  /** `file:line` of the assignment that counts. */
  place: string
}

const table: Readonly<Record<string, Section>> = sections

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw code === 'ENOENT'
      ? ConfigFileMissing({ file })
      : ConfigFileUnreadable({ file, reason: code ?? message }, { cause: error })
  }
}

function filesIn(dir: string): string[] {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw ConfigFileMissing({ file: dir })
  return readdirSync(dir)
    .filter(name => name.endsWith('.conf'))
    .sort()
    .map(name => join(dir, name))
}

/** `SECTION.name` of every option and of its old names. */
function knownNames(): Map<string, { target: string; isOld: boolean }> {
  const names = new Map<string, { target: string; isOld: boolean }>()
  for (const [section, options] of Object.entries(table)) {
    for (const [name, option] of Object.entries(options)) {
      const target = `${section}.${name}`
      names.set(target, { target, isOld: false })
      for (const old of option.settings.deprecated ?? []) if (!names.has(old)) names.set(old, { target, isOld: true })
    }
  }
  return names
}

interface Gathered {
  readonly settings: Map<string, Setting>
  readonly unknown: UnknownOption[]
  readonly physnetNodes: Record<string, string>
  readonly warnings: string[]
}

/** Sorts assignments by the option they set. */
function gather(files: readonly { file: string; assignments: Assignment[] }[]): Gathered {
  const names = knownNames()
  const gathered: Gathered = { settings: new Map(), unknown: [], physnetNodes: {}, warnings: [] }
  for (const { file, assignments } of files) {
    const current = new Map<string, Setting>()
    const old = new Map<string, Setting>()
    for (const { section, key, value, line } of assignments) {
      const place = `${file}:${line}`
      const [, physnet] = /^neutron_physnet_(.+)$/.exec(section) ?? []
      if (physnet !== undefined && key === 'numa_nodes') {
        gathered.physnetNodes[physnet] = value
        continue
      }
      const known = names.get(`${section}.${key}`)
      if (known === undefined) {
        gathered.unknown.push({ section, name: key, place })
        continue
      }
      if (known.isOld) {
        const warning = `${place}: Option "${key}" from group "${section}" is deprecated. Use option "${known.target}".`
        gathered.warnings.push(warning)
      }
      const found = known.isOld ? old : current
      const setting = found.get(known.target) ?? { texts: [], place }
      setting.texts.push(value)
      setting.place = place
      found.set(known.target, setting)
    }
    // Within one file the current name wins over old ones; across files the later file wins, and lists of repeated
    // keys grow.
    for (const [target, setting] of new Map([...old, ...current])) {
      setting.texts.unshift(...(gathered.settings.get(target)?.texts ?? []))
      gathered.settings.set(target, setting)
    }
  }
  return gathered
}

function fromEnvironment(settings: Map<string, Setting>, env: Readonly<Record<string, string | undefined>>): void {
  for (const [section, options] of Object.entries(table)) {
    for (const name of Object.keys(options)) {
      const variable = `OS_${section.toUpperCase()}__${name.toUpperCase()}`
      const text = env[variable]
      if (text !== undefined)
        settings.set(`${section}.${name}`, { texts: [text], place: `environment variable ${variable}` })
    }
  }
}

/** Works out values on demand, because one may refer to another with `$name`. */
class Evaluation {
  readonly problems: string[] = []
  readonly #settings: Map<string, Setting>
  readonly #overrides: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>
  readonly #presets: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>
  readonly #done = new Map<string, unknown>()
  readonly #open = new Set<string>()

  constructor(settings: Map<string, Setting>, overrides: ConfigOverrides, presets: ConfigOverrides) {
    this.#settings = settings
    this.#overrides = overrides
    this.#presets = presets
  }

  value(section: string, name: string): unknown {
    const key = `${section}.${name}`
    if (this.#done.has(key)) return this.#done.get(key)
    const setting = this.#settings.get(key)
    if (this.#open.has(key)) throw new Error(`the value refers to itself through $${name}`)
    this.#open.add(key)
    try {
      const value = this.#work(section, name, setting)
      this.#done.set(key, value)
      return value
    } catch (error) {
      const place = setting === undefined ? '' : `${setting.place}: `
      this.problems.push(`${place}Value for option ${key} is not valid: ${(error as Error).message}`)
      this.#done.set(key, undefined)
      return undefined
    } finally {
      this.#open.delete(key)
    }
  }

  #work(section: string, name: string, setting: Setting | undefined): unknown {
    const option = table[section]?.[name]
    if (option === undefined) throw new Error(`there is no option ${section}.${name}`)
    const override = this.#overrides[section]?.[name]
    if (override !== undefined) return override
    if (setting === undefined) {
      const own = this.#presets[section]?.[name]
      if (own !== undefined) return own
      const preset = typeof option.default === 'function' ? (option.default as () => unknown)() : option.default
      return typeof preset === 'string' ? this.#substitute(preset, section) : preset
    }
    const texts = option.isMulti ? setting.texts : setting.texts.slice(-1)
    const values = texts.map(text => option.read(this.#substitute(text, section)))
    return option.isMulti ? values.flat() : values[0]
  }

  /** Python's string.Template as oslo.config uses it: `$$` and `\$` are a dollar sign, a lone `$` stays. */
  #substitute(text: string, section: string): string {
    return text
      .replaceAll('\\$', '$$$$')
      .replace(/\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi, (_all, dollar, bare, braced) =>
        dollar !== undefined ? '$' : this.#lookUp(String(bare ?? braced), section),
      )
  }

  #lookUp(reference: string, section: string): string {
    const dot = reference.indexOf('.')
    const [group, name] = dot < 0 ? [section, reference] : [reference.slice(0, dot), reference.slice(dot + 1)]
    const found = [group, 'DEFAULT'].find(candidate => table[candidate]?.[name] !== undefined)
    if (found === undefined) throw new Error(`no such option: $${reference} (write $$ for a dollar sign)`)
    const value = this.value(found, name)
    return value === null || value === undefined ? '' : String(value)
  }
}

/** Reads files, environment and overrides; throws one fault that names every wrong value with file and line. */
export function loadConfig(options: LoadOptions = {}): Config {
  const files = [...(options.files ?? []), ...(options.dirs ?? []).flatMap(filesIn)]
  const { settings, unknown, physnetNodes, warnings } = gather(
    files.map(file => ({ file, assignments: parseIni(readText(file), file) })),
  )
  fromEnvironment(settings, options.env ?? process.env)
  const evaluation = new Evaluation(settings, options.overrides ?? {}, options.presets ?? {})
  const values = Object.fromEntries(
    Object.entries(table).map(([section, registered]) => [
      section,
      Object.fromEntries(Object.keys(registered).map(name => [name, evaluation.value(section, name)])),
    ]),
  )
  if (evaluation.problems.length > 0) throw ConfigValuesWrong({ problems: evaluation.problems })
  // The shape was built from the table that the type is made of.
  return { ...values, files, unknown, physnetNodes, warnings } as unknown as Config
}

/** Tells the log once, at start, what in the files has no effect or will lose it. */
export function logConfigRemarks(config: ConfigFacts, log: Log): void {
  for (const { section, name, place } of config.unknown)
    log.warn({ option: `${section}.${name}`, place }, 'unknown option ignored')
  for (const warning of config.warnings) log.warn(warning)
}

/** What differs between two loads of the same files: `mutable` takes effect at once, `fixed` needs a restart. */
export function changedOptions(before: Config, after: Config): { mutable: string[]; fixed: string[] } {
  const changes: { mutable: string[]; fixed: string[] } = { mutable: [], fixed: [] }
  const valueOf = (config: Config, section: string, name: string): string =>
    JSON.stringify(Object.entries(config[section as keyof Sections]).find(([key]) => key === name)?.[1])
  for (const [section, options] of Object.entries(table)) {
    for (const [name, option] of Object.entries(options)) {
      const values = [before, after].map(config => valueOf(config, section, name))
      if (values[0] !== values[1])
        changes[option.settings.mutable === true ? 'mutable' : 'fixed'].push(`${section}.${name}`)
    }
  }
  return changes
}
