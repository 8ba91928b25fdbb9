/**
 * An immutable set of names, shared by all providers that have the same: ten thousand equal hosts hold one. Because of
 * that, a question about the set can be answered once per query and remembered under the set itself.
 */
export class NameSet {
  /** Sorted. */
  readonly list: readonly string[]
  readonly #names: ReadonlySet<string>

  constructor(list: readonly string[]) {
    this.list = list
    this.#names = new Set(list)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  hasAny(names: readonly string[]): boolean {
    return names.some(name => this.#names.has(name))
  }

  /** At least one name of every inner list. */
  hasAnyOfEach(lists: readonly (readonly string[])[]): boolean {
    return lists.every(names => this.hasAny(names))
  }
}

/** Hands out one NameSet per content. */
export class NameSets {
  readonly #known = new Map<string, NameSet>()

  of(names: Iterable<string>): NameSet {
    const list = [...new Set(names)].sort()
    const key = list.join()
    let set = this.#known.get(key)
    if (set === undefined) this.#known.set(key, (set = new NameSet(list)))
    return set
  }
}

/** Answers a question about a set once. */
export function remembered(question: (set: NameSet) => boolean): (set: NameSet) => boolean {
  const answers = new Map<NameSet, boolean>()
  return set => {
    let answer = answers.get(set)
    if (answer === undefined) answers.set(set, (answer = question(set)))
    return answer
  }
}
