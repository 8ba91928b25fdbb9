import { declareFault } from '#base'

const invalid = (code: string, message: string) => declareFault(code, 'refused', () => message)

export const GroupIdMalformed = invalid('SecurityGroupIdMalformed', 'Security group id should be uuid')
export const GroupUnknown = declareFault(
  'SecurityGroupNotFound',
  'missing',
  (p: { id: string }) => `Security group ${p.id} does not exist`,
)
export const RuleUnknown = declareFault(
  'SecurityGroupRuleNotFound',
  'missing',
  (p: { id: string }) => `Security group rule ${p.id} does not exist`,
)
export const RuleIncomplete = invalid('SecurityGroupRuleIncomplete', 'Not enough parameters to build a valid rule.')
export const RuleExists = declareFault(
  'SecurityGroupRuleExists',
  'refused',
  (p: { id: string }) => `This rule already exists in group ${p.id}`,
)
export const InvalidCidr = declareFault(
  'InvalidCidr',
  'refused',
  (p: { cidr: string }) => `${p.cidr} is not a valid IP network.`,
)
export const BadPrefix = declareFault(
  'SecurityGroupBadPrefix',
  'refused',
  (p: { cidr: string }) => `Bad prefix for network in cidr ${p.cidr}`,
)
export const InvalidIpProtocol = declareFault(
  'InvalidIpProtocol',
  'refused',
  (p: { protocol: string }) => `Invalid IP protocol ${p.protocol}.`,
)
export const InvalidPortRange = declareFault(
  'InvalidPortRange',
  'refused',
  (p: { from: number; to: number; reason: string }) => `Invalid port range ${p.from}:${p.to}. ${p.reason}`,
)
export const NotIntegers = declareFault(
  'InvalidInput',
  'refused',
  (p: { reason: string }) => `Invalid input received: ${p.reason}`,
)
