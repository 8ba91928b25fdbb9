import { admin, manager, type RuleDefault, rule } from '../rule-default.ts'

/** The record of all moves. */
export const migrations: readonly RuleDefault[] = [
  rule('os_compute_api:os-migrations:index', manager, 'List migrations', ['GET /os-migrations']),
  rule('os_compute_api:os-migrations:index:host', admin, 'See the hosts of migrations', ['GET /os-migrations']),
  rule('os_compute_api:os-migrations:index:all_projects', admin, 'List migrations of all projects', [
    'GET /os-migrations',
  ]),
]
