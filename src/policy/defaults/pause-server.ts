import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Pausing servers. */
export const pauseServer: readonly RuleDefault[] = [
  rule('os_compute_api:os-pause-server:pause', member, 'Pause a server', ['POST /servers/{id}/action (pause)']),
  rule('os_compute_api:os-pause-server:unpause', member, 'Unpause a server', ['POST /servers/{id}/action (unpause)']),
]
