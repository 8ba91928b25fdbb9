export interface SoakOptions {
  readonly help: boolean
  readonly minutes: number
  readonly workers: number
}
export const soakHelp: string
export function parseSoakOptions(argv: readonly string[]): SoakOptions
