import { member, oldOwner, type RuleDefault, rule } from '../rule-default.ts'

/** Fixed addresses of servers, in their old form. */
export const multinic: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-multinic:add',
    member,
    'Add a fixed address to a server',
    ['POST /servers/{id}/action (addFixedIp)'],
    { was: 'os_compute_api:os-multinic', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-multinic:remove',
    member,
    'Remove a fixed address from a server',
    ['POST /servers/{id}/action (removeFixedIp)'],
    { was: 'os_compute_api:os-multinic', check: oldOwner },
  ),
]
