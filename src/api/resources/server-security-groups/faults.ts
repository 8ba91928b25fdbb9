import { declareFault } from '#base'

export const EmptyGroupName = declareFault(
  'EmptySecurityGroupName',
  'refused',
  () => 'Security group name cannot be empty',
)
export const ManyGroups = declareFault(
  'NoUniqueMatch',
  'conflict',
  (p: { name: string }) => `Multiple security_group matches found for name '${p.name}', use an ID to be more specific.`,
)
export const NoSuchGroup = declareFault('SecurityGroupNotFound', 'missing', (p: { text: string }) => p.text)
export const GroupCannotBeApplied = declareFault(
  'SecurityGroupCannotBeApplied',
  'refused',
  () => 'Network requires port_security_enabled and subnet associated in order to apply security groups.',
)
