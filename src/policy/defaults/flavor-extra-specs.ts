import { admin, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Extra specs of flavors. */
export const flavorExtraSpecs: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-flavor-extra-specs:index',
    reader,
    'List the extra specs of a flavor, also where flavors are shown',
    [
      'POST /flavors',
      'GET /flavors/detail',
      'GET /flavors/{id}',
      'PUT /flavors/{id}',
      'GET /flavors/{flavor_id}/os-extra_specs',
    ],
  ),
  rule('os_compute_api:os-flavor-extra-specs:create', admin, 'Create an extra spec of a flavor', [
    'POST /flavors/{flavor_id}/os-extra_specs',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:show', reader, 'Show an extra spec of a flavor', [
    'GET /flavors/{flavor_id}/os-extra_specs/{id}',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:update', admin, 'Change an extra spec of a flavor', [
    'PUT /flavors/{flavor_id}/os-extra_specs/{id}',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:delete', admin, 'Delete an extra spec of a flavor', [
    'DELETE /flavors/{flavor_id}/os-extra_specs/{id}',
  ]),
]
