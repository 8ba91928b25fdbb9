import { member, type RuleDefault, reader, rule } from '../rule-default.ts'

/** File shares of servers. */
export const serverShares: readonly RuleDefault[] = [
  rule('os_compute_api:os-server-shares:index', reader, 'List shares of a server', ['GET /servers/{server_id}/shares']),
  rule('os_compute_api:os-server-shares:create', member, 'Create a share of a server', [
    'POST /servers/{server_id}/shares',
  ]),
  rule('os_compute_api:os-server-shares:show', reader, 'Show a share of a server', [
    'GET /servers/{server_id}/shares/{id}',
  ]),
  rule('os_compute_api:os-server-shares:delete', member, 'Delete a share of a server', [
    'DELETE /servers/{server_id}/shares/{id}',
  ]),
]
