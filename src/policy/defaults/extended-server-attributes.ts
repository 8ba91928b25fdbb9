import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Where and how a server runs. */
export const extendedServerAttributes: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-extended-server-attributes',
    admin,
    'See host, hypervisor, instance name, user data and the like of servers',
    ['GET /servers/detail', 'GET /servers/{id}', 'PUT /servers/{id}', 'POST /servers/{id}/action (rebuild)'],
  ),
]
