import { type RuleDefault, reader, rule } from '../rule-default.ts'

/** Addresses of servers. */
export const serverIps: readonly RuleDefault[] = [
  rule('os_compute_api:ips:index', reader, 'List addresses of a server', ['GET /servers/{server_id}/ips']),
  rule('os_compute_api:ips:show', reader, 'Show addresses of one network of a server', [
    'GET /servers/{server_id}/ips/{id}',
  ]),
]
