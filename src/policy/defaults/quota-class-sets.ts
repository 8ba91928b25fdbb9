import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Default quotas. */
export const quotaClassSets: readonly RuleDefault[] = [
  rule('os_compute_api:os-quota-class-sets:show', admin, 'Show quotas of a class', ['GET /os-quota-class-sets/{id}']),
  rule('os_compute_api:os-quota-class-sets:update', admin, 'Change quotas of a class', [
    'PUT /os-quota-class-sets/{id}',
  ]),
]
