import { declareFault } from '#base'

/** What Neutron finds wrong with a security group rule. */

const wrong = (code: string) => declareFault(code, 'refused', (p: { reason: string }) => p.reason)

export const RuleInvalidProtocol = wrong('SecurityGroupRuleInvalidProtocol')
export const RuleProtocolWithoutPorts = wrong('SecurityGroupInvalidProtocolForPort')
export const RuleNeedsProtocol = wrong('SecurityGroupProtocolRequiredWithPorts')
export const RuleInvalidPortRange = wrong('SecurityGroupInvalidPortRange')
export const RuleInvalidPortValue = wrong('SecurityGroupInvalidPortValue')
export const RuleInvalidIcmpValue = wrong('SecurityGroupInvalidIcmpValue')
export const RuleMissingIcmpType = wrong('SecurityGroupMissingIcmpType')
export const RuleEthertypeConflict = wrong('SecurityGroupEthertypeConflictWithProtocol')
export const RuleParameterConflict = wrong('SecurityGroupRuleParameterConflict')
export const RuleManyRemotes = wrong('SecurityGroupMultipleRemoteEntites')
export const RuleReadOnly = wrong('HTTPBadRequest')
