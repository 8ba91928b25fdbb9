import { member, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Tags of servers. */
export const serverTags: readonly RuleDefault[] = [
  rule('os_compute_api:os-server-tags:index', reader, 'List tags of a server', ['GET /servers/{server_id}/tags']),
  rule('os_compute_api:os-server-tags:update_all', member, 'Replace all tags of a server', [
    'PUT /servers/{server_id}/tags',
  ]),
  rule('os_compute_api:os-server-tags:delete_all', member, 'Delete all tags of a server', [
    'DELETE /servers/{server_id}/tags',
  ]),
  rule('os_compute_api:os-server-tags:show', reader, 'Show a tag of a server', ['GET /servers/{server_id}/tags/{id}']),
  rule('os_compute_api:os-server-tags:update', member, 'Add a tag to a server', ['PUT /servers/{server_id}/tags/{id}']),
  rule('os_compute_api:os-server-tags:delete', member, 'Delete a tag of a server', [
    'DELETE /servers/{server_id}/tags/{id}',
  ]),
]
