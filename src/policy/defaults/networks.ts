import { oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Networks, by proxy. */
export const networks: readonly RuleDefault[] = [
  rule('os_compute_api:os-networks:list', reader, 'List networks', ['GET /os-networks'], {
    was: 'os_compute_api:os-networks:view',
    check: oldOwner,
  }),
  rule('os_compute_api:os-networks:show', reader, 'Show a network', ['GET /os-networks/{id}'], {
    was: 'os_compute_api:os-networks:view',
    check: oldOwner,
  }),
]
