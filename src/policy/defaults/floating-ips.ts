import { member, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Floating addresses, by proxy. */
export const floatingIps: readonly RuleDefault[] = [
  rule('os_compute_api:os-floating-ips:list', reader, 'List floating addresses', ['GET /os-floating-ips'], {
    was: 'os_compute_api:os-floating-ips',
    check: oldOwner,
  }),
  rule('os_compute_api:os-floating-ips:create', member, 'Create a floating address', ['POST /os-floating-ips'], {
    was: 'os_compute_api:os-floating-ips',
    check: oldOwner,
  }),
  rule('os_compute_api:os-floating-ips:show', reader, 'Show a floating address', ['GET /os-floating-ips/{id}'], {
    was: 'os_compute_api:os-floating-ips',
    check: oldOwner,
  }),
  rule('os_compute_api:os-floating-ips:delete', member, 'Delete a floating address', ['DELETE /os-floating-ips/{id}'], {
    was: 'os_compute_api:os-floating-ips',
    check: oldOwner,
  }),
  rule(
    'os_compute_api:os-floating-ips:add',
    member,
    'Give a floating address to a server',
    ['POST /servers/{id}/action (addFloatingIp)'],
    { was: 'os_compute_api:os-floating-ips', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-floating-ips:remove',
    member,
    'Take a floating address from a server',
    ['POST /servers/{id}/action (removeFloatingIp)'],
    { was: 'os_compute_api:os-floating-ips', check: oldOwner },
  ),
]
