import { type Clock, declareFault, type Log } from '#base'
import { type Asking, type Credentials, compileCheck, type Target, type Test } from './evaluate.ts'
import { parseRule } from './parse.ts'
import { PolicyFiles } from './policy-files.ts'
import type { RuleDefault } from './rule-default.ts'

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly rule: string; readonly why: string }

export const PolicyNotRegistered = declareFault(
  'PolicyNotRegistered',
  'final',
  (p: { rule: string }) => `Policy ${p.rule} has not been registered`,
)

export interface EnforcerOptions {
  readonly defaults: readonly RuleDefault[]
  /** policy_file; need not exist. */
  readonly file?: string
  /** policy_dirs; files in them are read after the main file, in order of their names. */
  readonly dirs?: readonly string[]
  readonly enforceScope?: boolean
  readonly enforceNewDefaults?: boolean
  /** policy_default_rule: stands in for any rule that is not defined. */
  readonly defaultRule?: string
  readonly log: Log
  readonly clock: Clock
}

/** A rule in force: where it comes from and what it says. */
export interface RuleInForce {
  readonly name: string
  readonly text: string
  readonly from: 'default' | 'file' | 'old name in file'
}

const granted: Verdict = { ok: true }

const textOf = (rule: unknown): string => (typeof rule === 'string' ? rule : JSON.stringify(rule ?? ''))

/**
 * Decides who may do what: the shipped defaults, changed by the operator's policy files, which are read again when they
 * change (looked at no more than once a second, when somebody asks).
 */
export class Enforcer {
  readonly #options: EnforcerOptions
  readonly #registered: ReadonlyMap<string, RuleDefault>
  readonly #files: PolicyFiles
  #tests = new Map<string, Test>()
  #inForce = new Map<string, RuleInForce>()
  #roles = new WeakMap<Credentials, ReadonlySet<string>>()

  constructor(options: EnforcerOptions) {
    this.#options = options
    this.#registered = new Map(options.defaults.map(rule => [rule.name, rule]))
    this.#files = new PolicyFiles([options.file ?? [], options.dirs ?? []].flat(), options.log, options.clock)
    this.#load(this.#files.rules)
  }

  /** Names of the shipped rules, in the order of their declaration. */
  get registered(): readonly string[] {
    return [...this.#registered.keys()]
  }

  /** Whether the caller may; if not, which rule says so and why. An unknown rule is a bug and throws. */
  allow(rule: string, caller: Credentials, target: Target = {}): Verdict {
    if (this.#files.refresh()) this.#load(this.#files.rules)
    const registered = this.#registered.get(rule)
    if (registered === undefined) throw PolicyNotRegistered({ rule })
    const scope = caller.systemScope ? 'system' : caller.domainId !== null ? 'domain' : 'project'
    const { scopes } = registered
    if (this.#options.enforceScope !== false && scopes.length > 0 && !scopes.includes(scope)) {
      return { ok: false, rule, why: `needs a ${scopes.join(' or ')} scoped token, this one is ${scope} scoped` }
    }
    return this.#ask(rule, caller, target) ? granted : { ok: false, rule, why: this.#why(rule, caller) }
  }

  /** Every rule as it is now, unknown ones of the files included. */
  rules(): RuleInForce[] {
    if (this.#files.refresh()) this.#load(this.#files.rules)
    return [...this.#inForce.values()]
  }

  #ask(rule: string, caller: Credentials, target: Target): boolean {
    let roles = this.#roles.get(caller)
    if (roles === undefined) this.#roles.set(caller, (roles = new Set(caller.roles.map(role => role.toLowerCase()))))
    let isAdmin: boolean | undefined
    const asking: Asking = {
      caller,
      roles,
      isAdmin: () => {
        if (isAdmin === undefined) {
          isAdmin = false // while it is worked out, as in Nova
          const own = { project_id: caller.projectId, user_id: caller.userId }
          isAdmin = this.#find('context_is_admin')?.(asking, own) ?? false
        }
        return isAdmin
      },
    }
    return this.#find(rule)?.(asking, target) ?? false
  }

  readonly #find = (name: string): Test | undefined =>
    this.#tests.get(name) ?? this.#tests.get(this.#options.defaultRule ?? 'default')

  #why(rule: string, caller: Credentials): string {
    const text = this.#inForce.get(rule)?.text ?? 'not defined'
    return `needs ${text}; the token has the roles ${caller.roles.join(', ') || 'none'} in project ${caller.projectId ?? 'none'}`
  }

  #load(fromFiles: ReadonlyMap<string, unknown>): void {
    const inForce = new Map<string, RuleInForce>()
    for (const [name, rule] of fromFiles) inForce.set(name, { name, text: textOf(rule), from: 'file' })
    const bodies = new Map<string, unknown>(fromFiles)
    for (const rule of this.#registered.values()) {
      if (fromFiles.has(rule.name)) continue
      const { body, from } = this.#effective(rule, fromFiles)
      bodies.set(rule.name, body)
      inForce.set(rule.name, { name: rule.name, text: textOf(body), from })
    }
    this.#tests = new Map([...bodies].map(([name, body]) => [name, compileCheck(parseRule(body), this.#find)]))
    this.#inForce = inForce
  }

  /** An override of the old name counts, unless it only points to the new one. */
  #effective(rule: RuleDefault, files: ReadonlyMap<string, unknown>): Pick<RuleInForce, 'from'> & { body: unknown } {
    const { old, name, check } = rule
    if (old !== undefined && old.name !== name && files.has(old.name)) {
      const body = files.get(old.name)
      if (body !== `rule:${name}`) return { body, from: 'old name in file' }
    }
    if (this.#options.enforceNewDefaults === false && old !== undefined && old.check !== check) {
      return { body: `(${check}) or (${old.check})`, from: 'default' }
    }
    return { body: check, from: 'default' }
  }
}
