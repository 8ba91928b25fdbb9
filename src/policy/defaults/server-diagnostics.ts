import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Numbers from the hypervisor about a server. */
export const serverDiagnostics: readonly RuleDefault[] = [
  rule('os_compute_api:os-server-diagnostics', admin, 'Show the diagnostics of a server', [
    'GET /servers/{server_id}/diagnostics',
  ]),
]
