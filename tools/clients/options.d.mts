export interface SuiteOptions {
  /** The text to print instead of testing. */
  readonly help: string | undefined
  readonly suites: readonly string[]
  readonly regex: string | undefined
  readonly workers: number
  readonly hosts: number
  /** Real guests: everything that they need has to be installed. */
  readonly needsGuests: boolean
  /** Write what happened into the lists. */
  readonly isAccepted: boolean
  readonly isJson: boolean
  readonly isKept: boolean
  /** Parent of the state folder. */
  readonly parent: string | undefined
  readonly offset: number
}

export const clientSuites: readonly string[]
export function parseSuiteOptions(command: string, argv: readonly string[]): SuiteOptions
