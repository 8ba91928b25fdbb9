export interface OpenstackOptions {
  /** The text to print instead of doing anything. */
  readonly help: string | undefined
  /** Of the tests that run. */
  readonly files: readonly string[]
  readonly isUpOnly: boolean
  readonly isKept: boolean
}
export function parseOpenstackOptions(argv: readonly string[]): OpenstackOptions
