import { admin, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Usage of projects. */
export const simpleTenantUsage: readonly RuleDefault[] = [
  rule('os_compute_api:os-simple-tenant-usage:list', admin, 'List usage of all projects', [
    'GET /os-simple-tenant-usage',
  ]),
  rule('os_compute_api:os-simple-tenant-usage:show', reader, 'Show usage of a project', [
    'GET /os-simple-tenant-usage/{id}',
  ]),
]
