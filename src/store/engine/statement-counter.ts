/** Counts SQL statements, so that a test can assert that a list needs a fixed number of them. */
export class StatementCounter {
  count = 0
  readonly statements: string[] = []

  note(sql: string): void {
    this.count++
    this.statements.push(sql)
  }
}
