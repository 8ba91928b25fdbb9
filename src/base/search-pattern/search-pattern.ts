import { Program } from './program.ts'
import { PatternError, SyntaxReader } from './syntax.ts'

const plain = /^[\w\- /:@,%=~"'<>&;!]*$/

/**
 * A user's regular expression, in Python's syntax, searched for in time that grows with the text and no faster. Patterns
 * that only backtracking can decide are not searched for (docs/decisions/0015-search-patterns.md).
 */
export class SearchPattern {
  readonly #isIn: (text: string) => boolean
  /** The text that is searched for, where the pattern is nothing more than that. */
  readonly literal: string | undefined

  private constructor(isIn: (text: string) => boolean, literal?: string) {
    this.#isIn = isIn
    this.literal = literal
  }

  /** `broken` when it is no regular expression, `unsearchable` when it is one that would need backtracking or is too large. */
  static read(text: string): SearchPattern | 'broken' | 'unsearchable' {
    if (plain.test(text)) return new SearchPattern(where => where.includes(text), text)
    try {
      const program = new Program(new SyntaxReader(text).read())
      return new SearchPattern(where => program.isIn(Array.from(where, c => c.codePointAt(0) ?? 0)))
    } catch (error) {
      if (error instanceof PatternError) return error.reason
      throw error
    }
  }

  isIn(text: string): boolean {
    return this.#isIn(text)
  }
}
