import type { Check } from './parse.ts'

/** Who asks, as rules name it. */
export interface Credentials {
  readonly userId: string
  readonly userDomainId: string | null
  readonly projectId: string | null
  readonly projectDomainId: string | null
  readonly domainId: string | null
  readonly systemScope: boolean
  readonly roles: readonly string[]
}

export type Target = Readonly<Record<string, unknown>>

export interface Asking {
  readonly caller: Credentials
  readonly roles: ReadonlySet<string>
  /** The result of `context_is_admin` for this caller. */
  readonly isAdmin: () => boolean
}

/** A compiled rule. */
export type Test = (asking: Asking, target: Target) => boolean

export type FindTest = (rule: string) => Test | undefined

/** Python's str(). */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  return value === false ? 'False' : String(value)
}

/** Fills in `%(name)s` from the target; undefined when the target has no such key, and then the check refuses. */
function template(match: string): (target: Target) => string | undefined {
  const parts = match.split(/%\(([^)]*)\)s/)
  if (parts.length === 1) {
    const plain = match.replaceAll('%%', '%')
    return () => plain
  }
  return target => {
    let text = ''
    for (const [index, part] of parts.entries()) {
      if (index % 2 === 0) text += part
      else if (!Object.hasOwn(target, part)) return undefined
      else text += pythonText(target[part])
    }
    return text
  }
}

/** The left side as a literal (`'Member'`, `True`, `None`, `1`), or undefined when it names an attribute. */
function literal(left: string): string | undefined {
  const quoted = /^(["'])(.*)\1$/.exec(left)
  if (quoted !== null) return quoted[2]
  if (left === 'True' || left === 'False' || left === 'None') return left
  return /^-?\d+(\.\d+)?$/.test(left) ? String(Number(left)) : undefined
}

const attributes: Readonly<Record<string, (asking: Asking) => unknown>> = {
  user_id: ({ caller }) => caller.userId,
  user: ({ caller }) => caller.userId,
  user_domain_id: ({ caller }) => caller.userDomainId,
  project_id: ({ caller }) => caller.projectId,
  tenant: ({ caller }) => caller.projectId,
  project_domain_id: ({ caller }) => caller.projectDomainId,
  domain_id: ({ caller }) => caller.domainId,
  system_scope: ({ caller }) => (caller.systemScope ? 'all' : null),
  roles: ({ caller }) => caller.roles,
  is_admin: asking => asking.isAdmin(),
  is_admin_project: () => true,
}

function attributeTest(left: string, match: string): Test {
  const expected = template(match)
  const fixed = literal(left)
  if (fixed !== undefined) return (_, target) => expected(target) === fixed
  const read = attributes[left]
  if (read === undefined) return () => false
  return (asking, target) => {
    const wanted = expected(target)
    const value = read(asking)
    if (Array.isArray(value)) return value.some(item => wanted === pythonText(item))
    return wanted === pythonText(value)
  }
}

function roleTest(match: string): Test {
  const expected = template(match)
  return ({ roles }, target) => {
    const role = expected(target)
    return role !== undefined && roles.has(role.toLowerCase())
  }
}

/** Rules refer to each other; a circle refuses instead of running for ever. */
function ruleTest(name: string, find: FindTest): Test {
  let busy = false
  return (asking, target) => {
    const test = find(name)
    if (test === undefined || busy) return false
    busy = true
    try {
      return test(asking, target)
    } finally {
      busy = false
    }
  }
}

/** Turns a tree into closures. */
export function compileCheck(check: Check, find: FindTest): Test {
  switch (check.kind) {
    case 'always':
      return () => true
    case 'never':
      return () => false
    case 'not': {
      const test = compileCheck(check.of, find)
      return (asking, target) => !test(asking, target)
    }
    case 'and': {
      const tests = check.of.map(part => compileCheck(part, find))
      return (asking, target) => tests.every(test => test(asking, target))
    }
    case 'or': {
      const tests = check.of.map(part => compileCheck(part, find))
      return (asking, target) => tests.some(test => test(asking, target))
    }
    case 'role':
      return roleTest(check.match)
    case 'rule':
      return ruleTest(check.match, find)
    case 'attribute':
      return attributeTest(check.left, check.match)
  }
}
