import { admin, member, type RuleDefault, rule } from '../rule-default.ts'

/** Shelving servers. */
export const shelve: readonly RuleDefault[] = [
  rule('os_compute_api:os-shelve:shelve', member, 'Shelve a server', ['POST /servers/{id}/action (shelve)']),
  rule('os_compute_api:os-shelve:shelve_offload', admin, 'Free the host of a shelved server', [
    'POST /servers/{id}/action (shelveOffload)',
  ]),
  rule('os_compute_api:os-shelve:unshelve', member, 'Unshelve a server', ['POST /servers/{id}/action (unshelve)']),
  rule('os_compute_api:os-shelve:unshelve_to_host', admin, 'Choose the host when unshelving a server', [
    'POST /servers/{id}/action (unshelve)',
  ]),
]
