import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Suspending servers. */
export const suspendServer: readonly RuleDefault[] = [
  rule('os_compute_api:os-suspend-server:resume', member, 'Resume a suspended server', [
    'POST /servers/{id}/action (resume)',
  ]),
  rule('os_compute_api:os-suspend-server:suspend', member, 'Suspend a server', ['POST /servers/{id}/action (suspend)']),
]
