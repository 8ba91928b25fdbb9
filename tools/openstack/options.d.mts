export interface OpenstackOptions {
  /** The text to print instead of doing anything. */
  readonly help: string | undefined
  /** Of the tests that run. */
  readonly files: readonly string[]
  /** Neutron's agents start at once; without it they start for the tests that need them. */
  readonly hasAgents: boolean
  /** Horizon starts also where no test needs it. */
  readonly hasDashboard: boolean
  readonly isUpOnly: boolean
  readonly isKept: boolean
}
export function parseOpenstackOptions(argv: readonly string[]): OpenstackOptions
