import { member, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Network interfaces of servers. */
export const attachInterfaces: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-attach-interfaces:list',
    reader,
    'List network interfaces of a server',
    ['GET /servers/{server_id}/os-interface'],
    { was: 'os_compute_api:os-attach-interfaces', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-attach-interfaces:create',
    member,
    'Create a network interface of a server',
    ['POST /servers/{server_id}/os-interface'],
    { was: 'os_compute_api:os-attach-interfaces', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-attach-interfaces:show',
    reader,
    'Show a network interface of a server',
    ['POST /servers/{server_id}/os-interface', 'GET /servers/{server_id}/os-interface/{id}'],
    { was: 'os_compute_api:os-attach-interfaces', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-attach-interfaces:delete',
    member,
    'Delete a network interface of a server',
    ['DELETE /servers/{server_id}/os-interface/{id}'],
    { was: 'os_compute_api:os-attach-interfaces', check: oldOwner },
  ),
]
