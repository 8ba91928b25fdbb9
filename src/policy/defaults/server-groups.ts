import { admin, member, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Server groups. */
export const serverGroups: readonly RuleDefault[] = [
  rule('os_compute_api:os-server-groups:index', reader, 'List server groups', ['GET /os-server-groups']),
  rule('os_compute_api:os-server-groups:index:all_projects', admin, 'List server groups of all projects', [
    'GET /os-server-groups',
  ]),
  rule('os_compute_api:os-server-groups:create', member, 'Create a server group', ['POST /os-server-groups']),
  rule('os_compute_api:os-server-groups:show', reader, 'Show a server group', ['GET /os-server-groups/{id}']),
  rule('os_compute_api:os-server-groups:delete', member, 'Delete a server group', ['DELETE /os-server-groups/{id}']),
]
