/** The oslo.policy rule language as a tree. */
export type Check =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'not'; readonly of: Check }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Check[] }
  | { readonly kind: 'rule' | 'role'; readonly match: string }
  | { readonly kind: 'attribute'; readonly left: string; readonly match: string }

const always: Check = { kind: 'always' }
const never: Check = { kind: 'never' }

/** `role:admin`, `rule:admin_api`, `project_id:%(project_id)s`, `@`, `!`. What cannot be read refuses. */
function parseCheck(text: string): Check {
  if (text === '@') return always
  if (text === '!') return never
  const at = text.indexOf(':')
  if (at < 0) return never
  const [left, match] = [text.slice(0, at), text.slice(at + 1)]
  // Checks that ask a remote service are not supported, so they refuse.
  if (left === 'http' || left === 'https') return never
  if (left === 'rule' || left === 'role') return { kind: left, match }
  return { kind: 'attribute', left, match }
}

type Token = '(' | ')' | 'and' | 'or' | 'not' | Check

/** Parentheses stand at the ends of a word only: those inside, as in `%(project_id)s`, belong to it. */
function tokens(text: string): Token[] {
  return text.split(/\s+/).flatMap(word => {
    const opened = /^\(*/.exec(word)?.[0].length ?? 0
    const rest = word.slice(opened)
    const clean = rest.replace(/\)+$/, '')
    const found: Token[] = Array.from({ length: opened }, () => '(' as const)
    const lowered = clean.toLowerCase()
    if (lowered === 'and' || lowered === 'or' || lowered === 'not') found.push(lowered)
    // A bare quoted word is a token of the language that no rule can use.
    else if (clean !== '') found.push(/^(["']).*\1$/.test(rest) && rest.length > 1 ? never : parseCheck(clean))
    for (let i = clean.length; i < rest.length; i++) found.push(')')
    return found
  })
}

const isCheck = (token: Token | undefined): token is Check => typeof token === 'object'

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokens(text)
  }

  /** The whole text, or undefined when something is left over or missing. */
  parse(): Check | undefined {
    const check = this.#or()
    return this.#at === this.#tokens.length ? check : undefined
  }

  #chain(kind: 'and' | 'or', next: () => Check | undefined): Check | undefined {
    const first = next()
    if (first === undefined) return undefined
    const of = [first]
    while (this.#tokens[this.#at] === kind) {
      this.#at++
      const more = next()
      if (more === undefined) return undefined
      of.push(more)
    }
    return of.length === 1 ? first : { kind, of }
  }

  readonly #or = (): Check | undefined => this.#chain('or', this.#and)
  readonly #and = (): Check | undefined => this.#chain('and', this.#not)

  readonly #not = (): Check | undefined => {
    const token = this.#tokens[this.#at++]
    if (token === 'not') {
      const of = this.#not()
      return of && { kind: 'not', of }
    }
    if (token === '(') {
      const inner = this.#or()
      return this.#tokens[this.#at++] === ')' ? inner : undefined
    }
    return isCheck(token) ? token : undefined
  }
}

/** The old form: a list of lists, the outer joined by or, the inner by and. */
function parseList(lists: readonly unknown[]): Check {
  if (lists.length === 0) return always
  const choices = lists.flatMap((inner): Check[] => {
    const words = (typeof inner === 'string' ? [inner] : Array.isArray(inner) ? inner : []).map(String)
    if (words.length === 0) return []
    return words.length === 1 ? [parseCheck(words[0] ?? '')] : [{ kind: 'and', of: words.map(parseCheck) }]
  })
  return choices.length === 0 ? never : { kind: 'or', of: choices }
}

/** A rule as it stands in a policy file. Nothing allows everybody; what cannot be read allows nobody. */
export function parseRule(rule: unknown): Check {
  if (rule === '' || rule === null || rule === undefined) return always
  if (Array.isArray(rule)) return parseList(rule)
  return typeof rule === 'string' ? (new Parser(rule).parse() ?? never) : never
}
