import { ownUser, type RuleDefault, rule } from '../rule-default.ts'

/** Key pairs, owned by users. */
export const keypairs: readonly RuleDefault[] = [
  rule('os_compute_api:os-keypairs:index', ownUser, 'List key pairs', ['GET /os-keypairs']),
  rule('os_compute_api:os-keypairs:create', ownUser, 'Create a key pair', ['POST /os-keypairs']),
  rule('os_compute_api:os-keypairs:show', ownUser, 'Show a key pair', ['GET /os-keypairs/{id}']),
  rule('os_compute_api:os-keypairs:delete', ownUser, 'Delete a key pair', ['DELETE /os-keypairs/{id}']),
]
