import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Rotating backups. */
export const createBackup: readonly RuleDefault[] = [
  rule('os_compute_api:os-create-backup', member, 'Create a backup image of a server and rotate older ones', [
    'POST /servers/{id}/action (createBackup)',
  ]),
]
