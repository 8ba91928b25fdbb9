import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Clock, declareFault, type Log } from '#base'

export const PolicyFileInvalid = declareFault(
  'PolicyFileInvalid',
  'refused',
  (p: { path: string; reason: string }) => `The policy file ${p.path} cannot be read: ${p.reason}`,
)

const checkEveryMs = 1000

/** The YAML parser is loaded only where an operator has a policy file. */
function parseYaml(text: string): unknown {
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  return parse(text)
}

function entriesOf(path: string): [string, unknown][] {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    throw PolicyFileInvalid({ path, reason: error instanceof Error ? error.message : String(error) }, { cause: error })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw PolicyFileInvalid({ path, reason: 'it is not a list of "rule": "check" pairs' })
  }
  return Object.entries(parsed)
}

/** Files of a path: itself, or what a directory holds. Missing ones are no error. */
function filesAt(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (!stat.isDirectory()) return [path]
  return readdirSync(path)
    .filter(name => !name.startsWith('.'))
    .sort()
    .map(name => join(path, name))
}

/** The rules of the operator's files, later files winning. */
export class PolicyFiles {
  readonly #paths: readonly string[]
  readonly #log: Log
  readonly #clock: Clock
  #seen: string
  #checkedAtMs: number
  rules: ReadonlyMap<string, unknown>

  constructor(paths: readonly string[], log: Log, clock: Clock) {
    this.#paths = paths
    this.#log = log
    this.#clock = clock
    this.#checkedAtMs = clock.now()
    this.#seen = this.#state()
    this.rules = this.#read()
  }

  /** True when the files have changed and `rules` is new. A broken file leaves the old rules in force. */
  refresh(): boolean {
    if (this.#paths.length === 0) return false
    const now = this.#clock.now()
    if (now - this.#checkedAtMs < checkEveryMs) return false
    this.#checkedAtMs = now
    const state = this.#state()
    if (state === this.#seen) return false
    this.#seen = state
    try {
      this.rules = this.#read()
    } catch (error) {
      this.#log.error({ err: error }, 'changed policy file is not usable, the rules stay as they were')
      return false
    }
    this.#log.info({ rules: this.rules.size }, 'policy files have changed, rules loaded again')
    return true
  }

  #files(): string[] {
    return this.#paths.flatMap(filesAt)
  }

  #state(): string {
    return this.#files()
      .map(path => {
        const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
        return `${path} ${stat?.mtimeNs} ${stat?.size} ${stat?.ino}`
      })
      .join('\n')
  }

  #read(): ReadonlyMap<string, unknown> {
    return new Map(this.#files().flatMap(entriesOf))
  }
}
