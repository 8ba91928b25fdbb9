import { admin, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** The daemons of Nova. */
export const services: readonly RuleDefault[] = [
  rule('os_compute_api:os-services:list', admin, 'List services', ['GET /os-services'], {
    was: 'os_compute_api:os-services',
    check: oldAdmin,
  }),
  rule(
    'os_compute_api:os-services:update',
    admin,
    'Enable, disable or force down a service',
    ['PUT /os-services/{id}'],
    { was: 'os_compute_api:os-services', check: oldAdmin },
  ),
  rule('os_compute_api:os-services:delete', admin, 'Delete a service', ['DELETE /os-services/{id}'], {
    was: 'os_compute_api:os-services',
    check: oldAdmin,
  }),
]
