import { sql } from 'kysely'

/** The portable words that a compiler of another database than SQLite says in its own way; whole fragments of raw SQL. */
export const numberKey = 'integer primary key autoincrement'
export const listOpen = '(select value from json_each('
export const listClose = '))'

/** Type of a column that counts its rows: `.addColumn('number', rowNumber)`. */
export const rowNumber = sql.raw(numberKey)
