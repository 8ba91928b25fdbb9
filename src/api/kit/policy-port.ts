import type { Caller } from '#cloud'
import type { Verdict } from '#policy'
import type { Target } from './context.ts'

export type { Verdict }

/** What the kit needs of the policy enforcer; `#policy` has it. */
export interface PolicyPort {
  allow(rule: string, caller: Caller, target: Target): Verdict
}
