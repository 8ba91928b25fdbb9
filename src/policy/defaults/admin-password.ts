import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Password of the administrator inside a server. */
export const adminPassword: readonly RuleDefault[] = [
  rule('os_compute_api:os-admin-password', member, 'Change the administrator password of a server', [
    'POST /servers/{id}/action (changePassword)',
  ]),
]
