import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Making and removing flavors. */
export const flavorManage: readonly RuleDefault[] = [
  rule('os_compute_api:os-flavor-manage:create', admin, 'Create a flavor', ['POST /flavors']),
  rule('os_compute_api:os-flavor-manage:update', admin, 'Change a flavor', ['PUT /flavors/{id}']),
  rule('os_compute_api:os-flavor-manage:delete', admin, 'Delete a flavor', ['DELETE /flavors/{id}']),
]
