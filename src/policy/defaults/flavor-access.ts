import { admin, oldOwner, type RuleDefault, rule } from '../rule-default.ts'

/** Which projects may use a private flavor. */
export const flavorAccess: readonly RuleDefault[] = [
  rule('os_compute_api:os-flavor-access:add_tenant_access', admin, 'Give a project access to a flavor', [
    'POST /flavors/{id}/action (addTenantAccess)',
  ]),
  rule('os_compute_api:os-flavor-access:remove_tenant_access', admin, "Take a project's access to a flavor away", [
    'POST /flavors/{id}/action (removeTenantAccess)',
  ]),
  rule(
    'os_compute_api:os-flavor-access',
    admin,
    'List the projects that have access to a private flavor',
    ['GET /flavors/{flavor_id}/os-flavor-access'],
    { was: 'os_compute_api:os-flavor-access', check: oldOwner },
  ),
]
