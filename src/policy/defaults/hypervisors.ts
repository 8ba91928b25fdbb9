import { admin, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Hypervisors. */
export const hypervisors: readonly RuleDefault[] = [
  rule('os_compute_api:os-hypervisors:list', admin, 'List hypervisors', ['GET /os-hypervisors'], {
    was: 'os_compute_api:os-hypervisors',
    check: oldAdmin,
  }),
  rule(
    'os_compute_api:os-hypervisors:list-detail',
    admin,
    'List hypervisors with details',
    ['GET /os-hypervisors/detail'],
    { was: 'os_compute_api:os-hypervisors', check: oldAdmin },
  ),
  rule(
    'os_compute_api:os-hypervisors:statistics',
    admin,
    'Show the sum over all hypervisors',
    ['GET /os-hypervisors/statistics'],
    { was: 'os_compute_api:os-hypervisors', check: oldAdmin },
  ),
  rule('os_compute_api:os-hypervisors:show', admin, 'Show a hypervisor', ['GET /os-hypervisors/{id}'], {
    was: 'os_compute_api:os-hypervisors',
    check: oldAdmin,
  }),
  rule(
    'os_compute_api:os-hypervisors:search',
    admin,
    'Search hypervisors by name',
    ['GET /os-hypervisors/{id}/search'],
    { was: 'os_compute_api:os-hypervisors', check: oldAdmin },
  ),
  rule(
    'os_compute_api:os-hypervisors:servers',
    admin,
    'List the servers of a hypervisor',
    ['GET /os-hypervisors/{id}/servers'],
    { was: 'os_compute_api:os-hypervisors', check: oldAdmin },
  ),
  rule(
    'os_compute_api:os-hypervisors:uptime',
    admin,
    'Show the uptime of a hypervisor',
    ['GET /os-hypervisors/{id}/uptime'],
    { was: 'os_compute_api:os-hypervisors', check: oldAdmin },
  ),
]
