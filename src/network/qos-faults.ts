import { declareFault } from '#base'

export const QosPolicyNotFound = declareFault(
  'QosPolicyNotFound',
  'missing',
  (p: { id: string }) => `QoS policy ${p.id} could not be found.`,
)
export const QosRuleNotFound = declareFault(
  'QosRuleNotFound',
  'missing',
  (p: { id: string; policyId: string }) => `QoS rule ${p.id} for policy ${p.policyId} could not be found.`,
)
export const QosPolicyInUse = declareFault(
  'QosPolicyInUse',
  'conflict',
  (p: { id: string; kind: string; user: string }) => `QoS Policy ${p.id} is used by ${p.kind} ${p.user}.`,
)
export const QosRulesConflict = declareFault(
  'QoSRulesConflict',
  'conflict',
  (p: { kind: string; ruleId: string; policyId: string }) =>
    `Rule ${p.kind} conflicts with rule ${p.ruleId} which already exists in QoS Policy ${p.policyId}.`,
)
/** What was promised to a server was given to it in placement when it was put on its host. */
export const QosPromiseGiven = declareFault(
  'QosPlacementAllocationUpdateConflict',
  'conflict',
  (p: { portId: string }) => `The minimum guarantees of port ${p.portId} cannot be changed while a server uses it.`,
)
