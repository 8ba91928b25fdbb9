import { admin, member, nobody, oldOwner, type RuleDefault, reader, rule } from '../rule-default.ts'

/** Servers. */
export const servers: readonly RuleDefault[] = [
  rule('os_compute_api:servers:index', reader, 'List servers', ['GET /servers']),
  rule('os_compute_api:servers:allow_all_filters', admin, 'Use any filter when listing servers', [
    'GET /servers',
    'GET /servers/detail',
  ]),
  rule('os_compute_api:servers:index:get_all_tenants', admin, 'List servers of all projects', ['GET /servers']),
  rule('os_compute_api:servers:create', member, 'Create a server', ['POST /servers']),
  rule('os_compute_api:servers:create:attach_volume', member, 'Create a server with volumes', ['POST /servers']),
  rule('os_compute_api:servers:create:attach_network', member, 'Create a server with chosen networks or ports', [
    'POST /servers',
  ]),
  rule('os_compute_api:servers:create:trusted_certs', member, 'Create a server with trusted image certificates', [
    'POST /servers',
  ]),
  rule(
    'os_compute_api:servers:create:forced_host',
    admin,
    'Create a server on a chosen host or node, past the scheduler',
    ['POST /servers'],
  ),
  rule('compute:servers:create:requested_destination', admin, 'Ask for a host or node, checked by the scheduler', [
    'POST /servers',
  ]),
  rule(
    'os_compute_api:servers:create:zero_disk_flavor',
    admin,
    'Create an image-backed server with a flavor without disk',
    ['POST /servers'],
  ),
  rule('network:attach_external_network', admin, 'Attach a server to an external network that is not shared', [
    'POST /servers',
    'POST /servers/{server_id}/os-interface',
  ]),
  rule('os_compute_api:servers:detail', reader, 'List servers with details', ['GET /servers/detail']),
  rule('os_compute_api:servers:detail:get_all_tenants', admin, 'List servers of all projects with details', [
    'GET /servers/detail',
  ]),
  rule(
    'os_compute_api:servers:show:flavor-extra-specs',
    reader,
    "See the extra specs of a server's flavor",
    ['GET /servers/detail', 'GET /servers/{id}', 'PUT /servers/{id}', 'POST /servers/{id}/action (rebuild)'],
    { was: 'os_compute_api:os-flavor-extra-specs:index', check: oldOwner },
  ),
  rule('os_compute_api:servers:show:host_status', admin, "See the status of a server's host", [
    'GET /servers/detail',
    'GET /servers/{id}',
    'PUT /servers/{id}',
    'POST /servers/{id}/action (rebuild)',
  ]),
  rule(
    'os_compute_api:servers:show:host_status:unknown-only',
    admin,
    "See the status of a server's host when it is unknown",
    ['GET /servers/detail', 'GET /servers/{id}', 'PUT /servers/{id}', 'POST /servers/{id}/action (rebuild)'],
  ),
  rule('os_compute_api:servers:show', reader, 'Show a server', ['GET /servers/{id}']),
  rule('os_compute_api:servers:update', member, 'Change a server', ['PUT /servers/{id}']),
  rule('os_compute_api:servers:delete', member, 'Delete a server', ['DELETE /servers/{id}']),
  rule('os_compute_api:servers:confirm_resize', member, 'Confirm a resize', [
    'POST /servers/{id}/action (confirmResize)',
  ]),
  rule('os_compute_api:servers:create_image', member, 'Create an image of a server', [
    'POST /servers/{id}/action (createImage)',
  ]),
  rule('os_compute_api:servers:create_image:allow_volume_backed', member, 'Create an image of a volume-backed server', [
    'POST /servers/{id}/action (createImage)',
  ]),
  rule('os_compute_api:servers:start', member, 'Start a server', ['POST /servers/{id}/action (os-start)']),
  rule('os_compute_api:servers:stop', member, 'Stop a server', ['POST /servers/{id}/action (os-stop)']),
  rule('os_compute_api:servers:reboot', member, 'Reboot a server', ['POST /servers/{id}/action (reboot)']),
  rule('os_compute_api:servers:rebuild', member, 'Rebuild a server', ['POST /servers/{id}/action (rebuild)']),
  rule('os_compute_api:servers:rebuild:trusted_certs', member, 'Rebuild a server with trusted image certificates', [
    'POST /servers/{id}/action (rebuild)',
  ]),
  rule('os_compute_api:servers:resize', member, 'Resize a server', ['POST /servers/{id}/action (resize)']),
  rule('compute:servers:resize:cross_cell', nobody, 'Resize a server into another cell', [
    'POST /servers/{id}/action (resize)',
  ]),
  rule('os_compute_api:servers:revert_resize', member, 'Revert a resize', ['POST /servers/{id}/action (revertResize)']),
  rule('os_compute_api:servers:trigger_crash_dump', member, 'Make a server dump its core', [
    'POST /servers/{id}/action (trigger_crash_dump)',
  ]),
]
