import { admin, manager, type RuleDefault, rule } from '../rule-default.ts'

/** Moving servers to other hosts. */
export const migrateServer: readonly RuleDefault[] = [
  rule('os_compute_api:os-migrate-server:migrate:host', admin, 'Choose the host of a move', [
    'POST /servers/{id}/action (migrate)',
  ]),
  rule('os_compute_api:os-migrate-server:migrate', manager, 'Move a server to another host, not running', [
    'POST /servers/{id}/action (migrate)',
  ]),
  rule('os_compute_api:os-migrate-server:migrate_live:host', admin, 'Choose the host of a live move', [
    'POST /servers/{id}/action (os-migrateLive)',
  ]),
  rule('os_compute_api:os-migrate-server:migrate_live', manager, 'Move a running server to another host', [
    'POST /servers/{id}/action (os-migrateLive)',
  ]),
]
