import { admin, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Hosts, in their old form. */
export const hosts: readonly RuleDefault[] = [
  rule('os_compute_api:os-hosts:list', admin, 'List hosts', ['GET /os-hosts'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-hosts:show', admin, 'Show a host', ['GET /os-hosts/{id}'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-hosts:update', admin, 'Change a host', ['PUT /os-hosts/{id}'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-hosts:reboot', admin, 'Reboot a host', ['GET /os-hosts/{id}/reboot'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-hosts:shutdown', admin, 'Shut a host down', ['GET /os-hosts/{id}/shutdown'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
  rule('os_compute_api:os-hosts:start', admin, 'Start a host', ['GET /os-hosts/{id}/startup'], {
    was: 'os_compute_api:os-hosts',
    check: oldAdmin,
  }),
]
