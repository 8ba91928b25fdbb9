import { member, oldOwner, type RuleDefault, rule } from '../rule-default.ts'

/** Servers that are deleted but still kept. */
export const deferredDelete: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-deferred-delete:force',
    member,
    'Delete a server at once, before its time is over',
    ['POST /servers/{id}/action (forceDelete)'],
    { was: 'os_compute_api:os-deferred-delete', check: oldOwner },
  ),
  rule(
    'os_compute_api:os-deferred-delete:restore',
    member,
    'Restore a server that is deleted but still kept',
    ['POST /servers/{id}/action (restore)'],
    { was: 'os_compute_api:os-deferred-delete', check: oldOwner },
  ),
]
