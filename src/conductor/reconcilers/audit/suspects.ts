/**
 * What looked wrong at one look and at the next is wrong; once may be work that was seen in the middle. `note` all of a round,
 * then `turn` to the next one.
 */
export class Suspects {
  #before: ReadonlySet<string> = new Set()
  #now = new Set<string>()

  /** True when it was noted in the round before too. */
  note(what: string): boolean {
    this.#now.add(what)
    return this.#before.has(what)
  }

  turn(): void {
    this.#before = this.#now
    this.#now = new Set()
  }
}
