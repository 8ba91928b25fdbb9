import { admin, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Bare metal nodes, by proxy. */
export const baremetalNodes: readonly RuleDefault[] = [
  rule('os_compute_api:os-baremetal-nodes:list', admin, 'List bare metal nodes', ['GET /os-baremetal-nodes'], {
    was: 'os_compute_api:os-baremetal-nodes',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-baremetal-nodes:show', admin, 'Show a bare metal node', ['GET /os-baremetal-nodes/{id}'], {
    was: 'os_compute_api:os-baremetal-nodes',
    check: oldAdmin,
  }),
]
