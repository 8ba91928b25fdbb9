import { admin, anyone, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Limits and usage of a project. */
export const limits: readonly RuleDefault[] = [
  rule('os_compute_api:limits', anyone, 'Show limits and usage of the own project', ['GET /limits']),
  rule('os_compute_api:limits:other_project', admin, 'Show limits and usage of another project', ['GET /limits'], {
    was: 'os_compute_api:os-used-limits',
    check: oldAdmin,
  }),
]
