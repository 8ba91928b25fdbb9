import { admin, manager, type RuleDefault, rule } from '../rule-default.ts'

/** Moves of one server. */
export const serverMigrations: readonly RuleDefault[] = [
  rule('os_compute_api:servers:migrations:index', manager, 'List migrations in progress of a server', [
    'GET /servers/{server_id}/migrations',
  ]),
  rule('os_compute_api:servers:migrations:index:host', admin, 'See the hosts of migrations in progress', [
    'GET /servers/{server_id}/migrations',
  ]),
  rule('os_compute_api:servers:migrations:show', admin, 'Show a migration of a server', [
    'GET /servers/{server_id}/migrations/{id}',
  ]),
  rule('os_compute_api:servers:migrations:delete', manager, 'Abort a live migration', [
    'DELETE /servers/{server_id}/migrations/{id}',
  ]),
  rule('os_compute_api:servers:migrations:force_complete', manager, 'Force a live migration to end', [
    'POST /servers/{server_id}/migrations/{id}/action (force_complete)',
  ]),
]
