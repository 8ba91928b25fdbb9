import type { Node, ObjectNode } from './node.ts'

/**
 * From what a handler returns to what the client of one version sees: a compiled function that picks the fields into
 * object literals with a fixed order of keys, so that one JSON.stringify at the end is all the rendering there is.
 * Undefined fields vanish there. Guarded fields whose rule is not granted are not in the literal.
 */
export type PickReply = (value: unknown) => unknown

/** True for a node whose values need no picking. */
const isPlain = (node: Node): boolean => {
  if (node.kind === 'scalar' || node.kind === 'any') return true
  if (node.kind === 'list') return isPlain(node.items)
  if (node.kind === 'object') return node.fields.length === 0 && node.patterns.every(([, item]) => isPlain(item))
  return node.kind === 'some' && node.of.every(isPlain)
}

class PickerSource {
  readonly lines: string[] = []
  readonly granted: ReadonlySet<string>

  constructor(granted: ReadonlySet<string>) {
    this.granted = granted
  }

  /** An expression that picks `value`. */
  expression(node: Node, value: string): string {
    if (isPlain(node)) return value
    switch (node.kind) {
      case 'list':
        return `${this.#listFunction(node.items)}(${value})`
      case 'tuple':
        return `(${value} == null ? ${value} : [${node.items.map((item, i) => this.expression(item, `${value}[${i}]`)).join(', ')}])`
      case 'some':
        return `${this.#someFunction(node)}(${value})`
      case 'object':
        return `${this.#objectFunction(node)}(${value})`
      default:
        return value
    }
  }

  #add(body: string): string {
    const name = `f${this.lines.length}`
    this.lines.push(`const ${name} = v => ${body}`)
    return name
  }

  #listFunction(items: Node): string {
    const item = this.expression(items, 'v[i]')
    return this.#add(`{
      if (!Array.isArray(v)) return v
      const r = new Array(v.length)
      for (let i = 0; i < v.length; i++) r[i] = ${item}
      return r
    }`)
  }

  #objectFunction(node: ObjectNode): string {
    const visible = node.fields.filter(field => field.rule === undefined || this.granted.has(field.rule))
    const members = visible.map(({ name, node: inner }) => {
      const key = JSON.stringify(name)
      return `${key}: ${this.expression(inner, `v[${key}]`)}`
    })
    const open = node.rest !== 'never' || node.patterns.length > 0
    const hidden = open
      ? node.fields.filter(field => !visible.includes(field)).map(f => `delete r[${JSON.stringify(f.name)}]`)
      : []
    if (!open) return this.#add(`v == null ? v : ({ ${members.join(', ')} })`)
    return this.#add(`{
      if (v == null) return v
      const r = { ...v, ${members.join(', ')} }
      ${hidden.join('\n')}
      for (const k of Object.keys(r)) { ${this.#patternLines(node)} }
      return r
    }`)
  }

  #patternLines(node: ObjectNode): string {
    return node.patterns
      .filter(([, item]) => !isPlain(item))
      .map(
        ([pattern, item]) =>
          `if (new RegExp(${JSON.stringify(pattern)}).test(k)) r[k] = ${this.expression(item, 'r[k]')}`,
      )
      .join('\n')
  }

  /** Of several object forms the first whose required keys are all there; lists go to the first list form. */
  #someFunction(node: Node & { kind: 'some' }): string {
    if (node.how === 'allOf') return this.#add(node.of[0] === undefined ? 'v' : this.expression(node.of[0], 'v'))
    const lists = node.of.filter(choice => choice.kind === 'list' || choice.kind === 'tuple')
    const objects = node.of.filter(choice => choice.kind === 'object')
    const cases = objects.map((choice, i) => {
      const required = choice.fields
        .filter(f => !f.optional && f.rule === undefined)
        .map(f => `v[${JSON.stringify(f.name)}] !== undefined`)
      const test = i === objects.length - 1 ? 'true' : required.join(' && ') || 'true'
      return `if (${test}) return ${this.expression(choice, 'v')}`
    })
    return this.#add(`{
      if (typeof v !== 'object' || v === null) return v
      if (Array.isArray(v)) return ${lists[0] === undefined ? 'v' : this.expression(lists[0], 'v')}
      ${cases.join('\n')}
      return v
    }`)
  }
}

export function picker(node: Node, granted: ReadonlySet<string>): PickReply {
  const source = new PickerSource(granted)
  const result = source.expression(node, 'v')
  // The text consists of our own declarations only (names quoted as JSON); nothing of a request gets into it.
  return new Function(`${source.lines.join('\n')}\nreturn v => ${result}`)() as PickReply
}

/** Every rule that guards a field of a reply. */
export function guardedRules(node: Node, found = new Set<string>()): Set<string> {
  if (node.kind === 'list') guardedRules(node.items, found)
  else if (node.kind === 'tuple') node.items.forEach(item => guardedRules(item, found))
  else if (node.kind === 'some') node.of.forEach(choice => guardedRules(choice, found))
  else if (node.kind === 'object') {
    for (const field of node.fields) {
      if (field.rule !== undefined) found.add(field.rule)
      guardedRules(field.node, found)
    }
    node.patterns.forEach(([, item]) => guardedRules(item, found))
  }
  return found
}
