import { admin, type RuleDefault, reader, rule } from '../rule-default.ts'

/** NUMA layout of servers. */
export const serverTopology: readonly RuleDefault[] = [
  rule('compute:server:topology:index', reader, 'Show the NUMA layout of a server', [
    'GET /servers/{server_id}/topology',
  ]),
  rule('compute:server:topology:host:index', admin, "See the host side of a server's NUMA layout", [
    'GET /servers/{server_id}/topology',
  ]),
]
