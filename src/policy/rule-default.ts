export type Scope = 'project' | 'system' | 'domain'

/** A rule as the software ships it. */
export interface RuleDefault {
  readonly name: string
  readonly check: string
  readonly description: string
  /** `GET /servers/{server_id}`; actions as `POST /servers/{server_id}/action (reboot)`. Empty for building blocks. */
  readonly operations: readonly string[]
  /** Kinds of tokens the rule is meant for; empty: any. */
  readonly scopes: readonly Scope[]
  /** The name and default of older releases; an operator's override of that name still counts. */
  readonly old: { readonly name: string; readonly check: string } | undefined
}

export const admin = 'rule:context_is_admin'
export const manager = 'rule:project_manager_or_admin'
export const member = 'rule:project_member_or_admin'
export const reader = 'rule:project_reader_or_admin'
export const service = 'rule:service_or_admin'
export const ownUser = '(rule:context_is_admin) or user_id:%(user_id)s'
export const anyone = '@'
export const nobody = '!'

export const oldAdmin = 'rule:admin_api'
export const oldOwner = 'rule:admin_or_owner'

export interface Former {
  readonly was: string
  readonly check: string
}

/** A rule of the API. */
export const rule = (
  name: string,
  check: string,
  description: string,
  operations: readonly string[],
  former?: Former,
): RuleDefault => ({
  name,
  check,
  description,
  operations,
  scopes: ['project'],
  old: former && { name: former.was, check: former.check },
})

/** A rule that others are built from. */
export const block = (name: string, check: string, description: string, former?: Former): RuleDefault => ({
  ...rule(name, check, description, [], former),
  scopes: [],
})
