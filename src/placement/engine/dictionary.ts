import type { NameRow } from '../store/names.ts'

/** Names and their row ids, both ways. Replaced as a whole when the table changes. */
export class NameTable {
  readonly #byName = new Map<string, NameRow>()
  readonly #byId = new Map<number, string>()

  constructor(rows: readonly NameRow[]) {
    for (const row of rows) {
      this.#byName.set(row.name, row)
      this.#byId.set(row.id, row.name)
    }
  }

  get names(): string[] {
    return [...this.#byName.keys()]
  }

  get largestId(): number {
    return Math.max(0, ...this.#byId.keys())
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  row(name: string): NameRow | undefined {
    return this.#byName.get(name)
  }

  /** The id of a name that is known to exist. */
  id(name: string): number {
    const row = this.#byName.get(name)
    if (row === undefined) throw new Error(`the name is not in the dictionary: ${name}`)
    return row.id
  }

  name(id: number): string {
    const name = this.#byId.get(id)
    if (name === undefined) throw new Error(`the id is not in the dictionary: ${id}`)
    return name
  }
}
