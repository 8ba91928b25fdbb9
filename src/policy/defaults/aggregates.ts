import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Host aggregates. */
export const aggregates: readonly RuleDefault[] = [
  rule('os_compute_api:os-aggregates:index', admin, 'List aggregates', ['GET /os-aggregates']),
  rule('os_compute_api:os-aggregates:create', admin, 'Create an aggregate', ['POST /os-aggregates']),
  rule('os_compute_api:os-aggregates:show', admin, 'Show an aggregate', ['GET /os-aggregates/{id}']),
  rule('os_compute_api:os-aggregates:update', admin, 'Change an aggregate', ['PUT /os-aggregates/{id}']),
  rule('os_compute_api:os-aggregates:delete', admin, 'Delete an aggregate', ['DELETE /os-aggregates/{id}']),
  rule('os_compute_api:os-aggregates:add_host', admin, 'Add a host to an aggregate', [
    'POST /os-aggregates/{id}/action (add_host)',
  ]),
  rule('os_compute_api:os-aggregates:remove_host', admin, 'Remove a host from an aggregate', [
    'POST /os-aggregates/{id}/action (remove_host)',
  ]),
  rule('os_compute_api:os-aggregates:set_metadata', admin, 'Set or replace metadata of an aggregate', [
    'POST /os-aggregates/{id}/action (set_metadata)',
  ]),
  rule('compute:aggregates:images', admin, 'Have images cached on the hosts of an aggregate', [
    'POST /os-aggregates/{id}/images',
  ]),
]
