import { type RuleDefault, rule, service } from '../rule-default.ts'

/** Events from other services. */
export const serverExternalEvents: readonly RuleDefault[] = [
  rule('os_compute_api:os-server-external-events:create', service, 'Report events about servers', [
    'POST /os-server-external-events',
  ]),
]
