import { admin, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** What was done to a server. */
export const instanceActions: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-instance-actions:list',
    reader,
    'List actions on a server',
    ['GET /servers/{server_id}/os-instance-actions'],
    { was: 'os_compute_api:os-instance-actions', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-instance-actions:show',
    reader,
    'Show an action on a server',
    ['GET /servers/{server_id}/os-instance-actions/{id}'],
    { was: 'os_compute_api:os-instance-actions', check: oldOwner },
  ),
  rule('os_compute_api:os-instance-actions:events', admin, 'See the traceback of events of an action', [
    'GET /servers/{server_id}/os-instance-actions/{id}',
  ]),
  rule('os_compute_api:os-instance-actions:events:details', admin, 'See host and details of events of an action', [
    'GET /servers/{server_id}/os-instance-actions/{id}',
  ]),
]
