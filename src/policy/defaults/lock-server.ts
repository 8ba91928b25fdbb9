import { admin, member, type RuleDefault, rule } from '../rule-default.ts'

/** Locking servers. */
export const lockServer: readonly RuleDefault[] = [
  rule('os_compute_api:os-lock-server:lock', member, 'Lock a server', ['POST /servers/{id}/action (lock)']),
  rule('os_compute_api:os-lock-server:unlock', member, 'Unlock a server', ['POST /servers/{id}/action (unlock)']),
  rule('os_compute_api:os-lock-server:unlock:unlock_override', admin, 'Unlock a server that somebody else has locked', [
    'POST /servers/{id}/action (unlock)',
  ]),
]
