/**
 * A ruleset as data, and the difference of two as one nft transaction.
 *
 * Everything a port or group needs has its own chain or set, so a change of one port rewrites that port's chains and
 * moves single elements; the transaction is all or nothing, packets never meet a half-written state.
 */

export type Family = 'inet' | 'bridge'

export interface NamedSet {
  /** `ipv4_addr`, `ifname . ipv4_addr : verdict`, … With a colon it is a map. */
  readonly type: string
  readonly flags?: string
  /** Key to value; the value is empty in a plain set. */
  readonly elements: ReadonlyMap<string, string>
}

export interface Ruleset {
  /** Regular chains by name; base chains and their rules belong to the fixed frame. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  readonly sets: ReadonlyMap<string, NamedSet>
}

/** Some types have no name of their own. */
export const typeText = (type: string): string => (type.startsWith('typeof ') ? type : `type ${type}`)

const isMap = (set: NamedSet): boolean => set.type.includes(':')
const kind = (set: NamedSet): string => (isMap(set) ? 'map' : 'set')
const elementText = ([key, value]: readonly [string, string]): string => (value === '' ? key : `${key} : ${value}`)

/** nft reads long lines slowly and netlink messages are bounded; elements go in slices. */
const slice = 200

function elements(verb: 'add' | 'delete', table: string, name: string, items: readonly string[]): string[] {
  const lines: string[] = []
  for (let at = 0; at < items.length; at += slice) {
    lines.push(`${verb} element ${table} ${name} { ${items.slice(at, at + slice).join(', ')} }`)
  }
  return lines
}

function setDeclaration(table: string, name: string, set: NamedSet): string {
  const flags = set.flags === undefined ? '' : ` flags ${set.flags};`
  return `add ${kind(set)} ${table} ${name} { ${typeText(set.type)};${flags} }`
}

const sameRules = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
  a !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i])

/** The statements that turn `before` into `after`; none when they are the same. `table` is `inet name`. */
export function difference(table: string, before: Ruleset, after: Ruleset): string[] {
  const declare: string[] = []
  const removeElements: string[] = []
  const rewrite: string[] = []
  const addElements: string[] = []
  const remove: string[] = []

  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old === undefined) declare.push(setDeclaration(table, name, set))
    const gone = [...(old?.elements ?? [])]
      .filter(([key, value]) => set.elements.get(key) !== value)
      .map(([key]) => key)
    const fresh = [...set.elements].filter(([key, value]) => old?.elements.get(key) !== value)
    removeElements.push(...elements('delete', table, name, gone))
    addElements.push(...elements('add', table, name, fresh.map(elementText)))
  }
  for (const [name, rules] of after.chains) {
    const old = before.chains.get(name)
    if (sameRules(old, rules)) continue
    if (old === undefined) declare.push(`add chain ${table} ${name}`)
    else rewrite.push(`flush chain ${table} ${name}`)
    rewrite.push(...rules.map(rule => `add rule ${table} ${name} ${rule}`))
  }
  const goneChains = [...before.chains.keys()].filter(name => !after.chains.has(name))
  remove.push(...goneChains.map(name => `flush chain ${table} ${name}`))
  remove.push(...goneChains.map(name => `delete chain ${table} ${name}`))
  for (const [name, set] of before.sets) {
    if (!after.sets.has(name)) remove.push(`delete ${kind(set)} ${table} ${name}`)
  }
  return [...declare, ...removeElements, ...rewrite, ...addElements, ...remove]
}
