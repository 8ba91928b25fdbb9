import { oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Networks of a project, by proxy. */
export const tenantNetworks: readonly RuleDefault[] = [
  rule('os_compute_api:os-tenant-networks:list', reader, 'List networks of the project', ['GET /os-tenant-networks'], {
    was: 'os_compute_api:os-tenant-networks',
    check: oldOwner,
  }),
  rule(
    'os_compute_api:os-tenant-networks:show',
    reader,
    'Show a network of the project',
    ['GET /os-tenant-networks/{id}'],
    { was: 'os_compute_api:os-tenant-networks', check: oldOwner },
  ),
]
