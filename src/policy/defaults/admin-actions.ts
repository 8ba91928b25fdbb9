import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Repairs by administrators. */
export const adminActions: readonly RuleDefault[] = [
  rule('os_compute_api:os-admin-actions:inject_network_info', admin, 'Inject network information into a server', [
    'POST /servers/{id}/action (injectNetworkInfo)',
  ]),
  rule('os_compute_api:os-admin-actions:reset_state', admin, 'Set the state of a server', [
    'POST /servers/{id}/action (os-resetState)',
  ]),
]
