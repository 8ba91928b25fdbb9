import { member, type RuleDefault, reader, rule, service } from '../rule-default.ts'

/** Volumes of servers. */
export const volumesAttachments: readonly RuleDefault[] = [
  rule('os_compute_api:os-volumes-attachments:index', reader, 'List volume attachments of a server', [
    'GET /servers/{server_id}/os-volume_attachments',
  ]),
  rule('os_compute_api:os-volumes-attachments:create', member, 'Attach a volume to a server', [
    'POST /servers/{server_id}/os-volume_attachments',
  ]),
  rule('os_compute_api:os-volumes-attachments:show', reader, 'Show a volume attachment of a server', [
    'GET /servers/{server_id}/os-volume_attachments/{id}',
  ]),
  rule(
    'os_compute_api:os-volumes-attachments:swap',
    service,
    'Swap an attached volume for another, for the volume service',
    ['PUT /servers/{server_id}/os-volume_attachments/{id}'],
  ),
  rule('os_compute_api:os-volumes-attachments:update', member, 'Change a volume attachment of a server', [
    'PUT /servers/{server_id}/os-volume_attachments/{id}',
  ]),
  rule('os_compute_api:os-volumes-attachments:delete', member, 'Detach a volume from a server', [
    'DELETE /servers/{server_id}/os-volume_attachments/{id}',
  ]),
]
