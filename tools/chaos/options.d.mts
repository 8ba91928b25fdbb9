export interface ChaosOptions {
  readonly help: boolean
  readonly operations: number
  readonly seed: number
  readonly topologies: readonly ('cells' | 'distributed' | 'engines' | 'one-process' | 'real-guests')[]
  readonly hosts: number
  readonly workers: number
  readonly offset: number
  readonly isKept: boolean
}
export const chaosHelp: string
export function parseChaosOptions(argv: readonly string[]): ChaosOptions
