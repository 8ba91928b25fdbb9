import { member, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Metadata of servers. */
export const serverMetadata: readonly RuleDefault[] = [
  rule('os_compute_api:server-metadata:index', reader, 'List metadata of a server', [
    'GET /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:create', member, 'Create or change metadata items of a server', [
    'POST /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:update_all', member, 'Replace the metadata of a server', [
    'PUT /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:show', reader, 'Show a metadata item of a server', [
    'GET /servers/{server_id}/metadata/{id}',
  ]),
  rule('os_compute_api:server-metadata:update', member, 'Change a metadata item of a server', [
    'PUT /servers/{server_id}/metadata/{id}',
  ]),
  rule('os_compute_api:server-metadata:delete', member, 'Delete a metadata item of a server', [
    'DELETE /servers/{server_id}/metadata/{id}',
  ]),
]
