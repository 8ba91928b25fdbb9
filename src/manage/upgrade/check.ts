import type { ManageWorld } from '../manage-world.ts'

/** As severe as its number: the command ends with the greatest. */
export type Verdict = 0 | 1 | 2

export const verdictNames: Readonly<Record<Verdict, string>> = { 0: 'Success', 1: 'Warning', 2: 'Failure' }

export interface Finding {
  readonly verdict: Verdict
  readonly details?: string
}

/** One thing that has to be so before this release is started. */
export interface UpgradeCheck {
  /** As Nova calls it: scripts look for it. */
  readonly name: string
  run(world: ManageWorld): Promise<Finding>
}

export const success: Finding = { verdict: 0 }
export const noted = (details: string): Finding => ({ verdict: 0, details })
export const warning = (details: string): Finding => ({ verdict: 1, details })
export const failure = (details: string): Finding => ({ verdict: 2, details })
