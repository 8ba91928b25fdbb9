import { member, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Volumes and snapshots, by proxy. */
export const volumes: readonly RuleDefault[] = [
  rule('os_compute_api:os-volumes:snapshots:list', reader, 'List volume snapshots', ['GET /os-snapshots'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule('os_compute_api:os-volumes:snapshots:create', member, 'Create a volume snapshot', ['POST /os-snapshots'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule(
    'os_compute_api:os-volumes:snapshots:detail',
    reader,
    'List volume snapshots with details',
    ['GET /os-snapshots/detail'],
    { was: 'os_compute_api:os-volumes', check: oldOwner },
  ),
  rule('os_compute_api:os-volumes:snapshots:show', reader, 'Show a volume snapshot', ['GET /os-snapshots/{id}'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule(
    'os_compute_api:os-volumes:snapshots:delete',
    member,
    'Delete a volume snapshot',
    ['DELETE /os-snapshots/{id}'],
    { was: 'os_compute_api:os-volumes', check: oldOwner },
  ),
  rule('os_compute_api:os-volumes:list', reader, 'List volumes', ['GET /os-volumes'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule('os_compute_api:os-volumes:create', member, 'Create a volume', ['POST /os-volumes'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule('os_compute_api:os-volumes:detail', reader, 'List volumes with details', ['GET /os-volumes/detail'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule('os_compute_api:os-volumes:show', reader, 'Show a volume', ['GET /os-volumes/{id}'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
  rule('os_compute_api:os-volumes:delete', member, 'Delete a volume', ['DELETE /os-volumes/{id}'], {
    was: 'os_compute_api:os-volumes',
    check: oldOwner,
  }),
]
