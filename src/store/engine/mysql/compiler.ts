import {
  type ColumnDefinitionNode,
  type CreateTableNode,
  type DataTypeNode,
  ForeignKeyConstraintNode,
  IdentifierNode,
  MysqlQueryCompiler,
  type OnConflictNode,
  type RawNode,
  type RootOperationNode,
  type TableNode,
  ValueNode,
} from 'kysely'
import { listClose, listOpen, numberKey } from '../words.ts'

/**
 * Texts are equal when their bytes are, trailing spaces included, and are sorted by code point: what SQLite does. The two
 * families have different names for it, and each reads the comment that is meant for it.
 */
const collation = '/*M! utf8mb4_nopad_bin *//*!80017 utf8mb4_0900_bin */'

const referenceOfColumn = /(?<!foreign key \(\w+\)) references /

/** Tables that lie in another database of the server. */
export interface Elsewhere {
  readonly database: string
  readonly tables: ReadonlySet<string>
}

const tableOptions = ` engine=InnoDB default charset=utf8mb4 collate=${collation}`

/** Wide enough for any number that SQLite keeps, and for JSON of any length. */
const types: Readonly<Record<string, string>> = { integer: 'bigint', text: 'longtext' }

/** Says in the MySQL family's words what the house says once for all databases. */
export class PortableMysqlCompiler extends MysqlQueryCompiler {
  readonly #elsewhere: Elsewhere | undefined

  constructor(elsewhere: Elsewhere | undefined) {
    super()
    this.#elsewhere = elsewhere
  }

  protected override visitTable(node: TableNode): void {
    const { schema, identifier } = node.table
    if (schema === undefined && this.#elsewhere?.tables.has(identifier.name) === true) {
      this.visitNode(IdentifierNode.create(this.#elsewhere.database))
      this.append('.')
    }
    super.visitTable(node)
  }

  /** References of columns move to the end of the table: at the column they are read over. */
  protected override visitCreateTable(node: CreateTableNode): void {
    const constraints = node.columns.flatMap(({ column, references }) =>
      references === undefined
        ? []
        : [{ ...ForeignKeyConstraintNode.create([column], references.table, references.columns), references }],
    )
    super.visitCreateTable({ ...node, constraints: [...(node.constraints ?? []), ...constraints] })
    this.append(tableOptions)
  }

  protected override visitColumnDefinition({ references: _, ...node }: ColumnDefinitionNode): void {
    super.visitColumnDefinition(node)
  }

  protected override visitDataType(node: DataTypeNode): void {
    this.append(types[node.dataType] ?? node.dataType)
  }

  protected override visitOnConflict(_node: OnConflictNode): void {
    throw new Error('not portable: `upsert` and `insertIgnore` of the store engine say it in every database')
  }

  protected override visitRaw(node: RawNode): void {
    const [first, last] = node.sqlFragments
    if (first === numberKey && node.parameters.length === 0)
      return this.append('bigint not null auto_increment primary key')
    if (first === listOpen && last === listClose) return this.#list(node)
    super.visitRaw(node)
    if (this.parentNode !== undefined || first?.startsWith('create table ') !== true) return
    if (referenceOfColumn.test(first)) throw new Error('not portable: MySQL reads over a reference at a column')
    this.append(tableOptions)
  }

  /**
   * A list of any length as one parameter. In a change the server would look through the whole table for it, and lock it;
   * there each value is a parameter.
   */
  #list(node: RawNode): void {
    const [list] = node.parameters
    if (list === undefined) return
    if (!this.nodeStack.some(({ kind }) => changing.has(kind as RootOperationNode['kind']))) {
      this.append('(select value from json_table(')
      this.visitNode(list)
      this.append(", '$[*]' columns (value varchar(512) path '$')) as listed)")
      return
    }
    const text = ValueNode.is(list) ? list.value : undefined
    if (typeof text !== 'string') throw new Error('a prepared change cannot have a list')
    const values = JSON.parse(text) as readonly unknown[]
    if (values.length === 0) return this.append('(select null from dual where false)')
    this.append('(')
    values.forEach((value, i) => {
      if (i > 0) this.append(', ')
      this.appendValue(value)
    })
    this.append(')')
  }
}

const changing = new Set<RootOperationNode['kind']>(['UpdateQueryNode', 'DeleteQueryNode', 'InsertQueryNode'])
