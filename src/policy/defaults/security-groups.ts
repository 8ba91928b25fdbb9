import { member, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Security groups, by proxy. */
export const securityGroups: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-security-groups:rule:create',
    member,
    'Create a security group rule',
    ['POST /os-security-group-rules'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-security-groups:rule:delete',
    member,
    'Delete a security group rule',
    ['DELETE /os-security-group-rules/{id}'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule('os_compute_api:os-security-groups:get', reader, 'List security groups', ['GET /os-security-groups'], {
    was: 'os_compute_api:os-security-groups',
    check: oldOwner,
  }),
  rule('os_compute_api:os-security-groups:create', member, 'Create a security group', ['POST /os-security-groups'], {
    was: 'os_compute_api:os-security-groups',
    check: oldOwner,
  }),
  rule('os_compute_api:os-security-groups:show', reader, 'Show a security group', ['GET /os-security-groups/{id}'], {
    was: 'os_compute_api:os-security-groups',
    check: oldOwner,
  }),
  rule(
    'os_compute_api:os-security-groups:update',
    member,
    'Change a security group',
    ['PUT /os-security-groups/{id}'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-security-groups:delete',
    member,
    'Delete a security group',
    ['DELETE /os-security-groups/{id}'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-security-groups:add',
    member,
    'Add a security group to a server',
    ['POST /servers/{id}/action (addSecurityGroup)'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-security-groups:remove',
    member,
    'Remove a security group from a server',
    ['POST /servers/{id}/action (removeSecurityGroup)'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-security-groups:list',
    reader,
    'List security groups of a server',
    ['GET /servers/{server_id}/os-security-groups'],
    { was: 'os_compute_api:os-security-groups', check: oldOwner },
  ),
]
