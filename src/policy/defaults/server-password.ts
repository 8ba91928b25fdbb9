import { member, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** The encrypted password a guest has left. */
export const serverPassword: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-server-password:show',
    reader,
    'Show the encrypted password of a server',
    ['GET /servers/{server_id}/os-server-password'],
    { was: 'os_compute_api:os-server-password', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-server-password:clear',
    member,
    'Clear the encrypted password of a server',
    ['DELETE /servers/{server_id}/os-server-password'],
    { was: 'os_compute_api:os-server-password', check: oldOwner },
  ),
]
