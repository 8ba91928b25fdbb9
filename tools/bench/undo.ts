/** What must be taken back at the end, in reverse, also after Ctrl-C. */
export class Undo {
  readonly #tasks: (() => Promise<void> | void)[] = []

  add(task: () => Promise<void> | void): void {
    this.#tasks.push(task)
  }

  /** All of them, whatever fails; the failures are told. */
  async run(): Promise<void> {
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      try {
        await task()
      } catch (error) {
        process.stderr.write(`cleaning up: ${error instanceof Error ? error.message : String(error)}\n`)
      }
    }
  }
}
