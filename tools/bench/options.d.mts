export interface BenchOptions {
  /** The text to print instead of measuring. */
  readonly help: string | undefined
  readonly groups: readonly string[]
  readonly isQuick: boolean
  readonly isJson: boolean
  readonly parent: string | undefined
  readonly offset: number
  readonly rounds: number
}

export function parseBenchOptions(argv: readonly string[]): BenchOptions
