import { admin, anyone, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Quotas of projects and users. */
export const quotaSets: readonly RuleDefault[] = [
  rule('os_compute_api:os-quota-sets:show', reader, 'Show quotas of a project', ['GET /os-quota-sets/{id}']),
  rule('os_compute_api:os-quota-sets:update', admin, 'Change quotas of a project', ['PUT /os-quota-sets/{id}']),
  rule('os_compute_api:os-quota-sets:delete', admin, 'Reset quotas of a project to the defaults', [
    'DELETE /os-quota-sets/{id}',
  ]),
  rule('os_compute_api:os-quota-sets:detail', reader, 'Show quotas of a project with usage', [
    'GET /os-quota-sets/{id}/detail',
  ]),
  rule('os_compute_api:os-quota-sets:defaults', anyone, 'Show the default quotas', [
    'GET /os-quota-sets/{id}/defaults',
  ]),
]
