import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Rebuilding servers of a failed host elsewhere. */
export const evacuate: readonly RuleDefault[] = [
  rule('os_compute_api:os-evacuate', admin, 'Evacuate a server from a failed host', [
    'POST /servers/{id}/action (evacuate)',
  ]),
]
