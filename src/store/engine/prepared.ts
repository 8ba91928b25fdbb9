import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely'
import { poolOf } from './mysql/dialect.ts'

/** Stands for a value while the text of a statement is worked out. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A statement whose text is worked out at its first run and kept: building and compiling one takes kysely longer than
 * SQLite needs to run it, so this is for statements that every request and every step of a saga needs.
 *
 * `build` is called once per set of names in `values` and kind of database, with something else in the place of each value. It may put them
 * wherever kysely takes a value, and it must not look at them.
 */
export function prepared<T, Values extends object, O>(build: (db: Kysely<T>, values: Values) => Compilable<O>) {
  const known = new Map<string, CompiledQuery<O>>()
  return (db: Kysely<T>, values: Values): Promise<QueryResult<O>> => {
    const names = Object.keys(values)
    const shape = poolOf(db) === undefined ? names.join() : `mysql ${names.join()}`
    let compiled = known.get(shape)
    if (compiled === undefined) {
      compiled = build(db, Object.fromEntries(names.map(name => [name, new Slot(name)])) as Values).compile()
      known.set(shape, compiled)
    }
    const given = values as Readonly<Record<string, unknown>>
    const parameters = compiled.parameters.map(p => (p instanceof Slot ? given[p.name] : p))
    return db.executeQuery<O>({ ...compiled, parameters })
  }
}
