import { member, oldOwner, type RuleDefault, rule } from '../rule-default.ts'

/** Rescue mode. */
export const rescue: readonly RuleDefault[] = [
  rule('os_compute_api:os-rescue', member, 'Start a server in rescue mode', ['POST /servers/{id}/action (rescue)']),
  rule('os_compute_api:os-unrescue', member, 'Leave rescue mode', ['POST /servers/{id}/action (unrescue)'], {
    was: 'os_compute_api:os-rescue',
    check: oldOwner,
  }),
]
