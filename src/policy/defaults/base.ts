import { block, type Former, oldAdmin, oldOwner, type RuleDefault } from '../rule-default.ts'

const wasAdmin: Former = { was: oldAdmin, check: 'is_admin:True' }
const wasOwner: Former = { was: oldOwner, check: 'is_admin:True or project_id:%(project_id)s' }

/** What the rules of the API are built from; operators override these to move whole groups of rights. */
export const base: readonly RuleDefault[] = [
  block('context_is_admin', 'role:admin', "Who is an administrator; decides 'is_admin:True' too.", wasAdmin),
  block(
    'admin_or_owner',
    'is_admin:True or project_id:%(project_id)s',
    'Default of older releases for most operations.',
  ),
  block('admin_api', 'is_admin:True', 'Default of older releases for operations of administrators.'),
  block('project_manager_api', 'role:manager and project_id:%(project_id)s', 'Managers of the project.', wasOwner),
  block('project_member_api', 'role:member and project_id:%(project_id)s', 'Members of the project.', wasOwner),
  block('project_reader_api', 'role:reader and project_id:%(project_id)s', 'Readers of the project.', wasOwner),
  block(
    'project_manager_or_admin',
    'rule:project_manager_api or rule:context_is_admin',
    'Managers of the project, and administrators.',
    wasOwner,
  ),
  block(
    'project_member_or_admin',
    'rule:project_member_api or rule:context_is_admin',
    'Members of the project, and administrators.',
    wasOwner,
  ),
  block(
    'project_reader_or_admin',
    'rule:project_reader_api or rule:context_is_admin',
    'Readers of the project, and administrators.',
    wasOwner,
  ),
  block('service_api', 'role:service', 'Other services of the cloud.'),
  block(
    'service_or_admin',
    'rule:service_api or rule:context_is_admin',
    'Other services of the cloud, and administrators.',
  ),
]
