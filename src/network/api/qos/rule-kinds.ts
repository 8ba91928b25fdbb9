import type { Json } from '#base'
import type { QosRuleRow } from '../../store/tables.ts'

/** A kind of rule as requests name it. */
export interface RuleKind {
  readonly kind: QosRuleRow['kind']
  readonly singular: string
  readonly plural: string
  /** The attribute with the amount. */
  readonly field: 'min_kbps' | 'min_kpps'
  readonly directions: readonly QosRuleRow['direction'][]
}

export const ruleKinds: readonly RuleKind[] = [
  {
    kind: 'minimum_bandwidth',
    singular: 'minimum_bandwidth_rule',
    plural: 'minimum_bandwidth_rules',
    field: 'min_kbps',
    directions: ['egress', 'ingress'],
  },
  {
    kind: 'minimum_packet_rate',
    singular: 'minimum_packet_rate_rule',
    plural: 'minimum_packet_rate_rules',
    field: 'min_kpps',
    directions: ['egress', 'ingress', 'any'],
  },
]

/** Neutron's database has 32 bits for it. */
export const mostOfAmount = 2_147_483_647

const fields: Readonly<Record<QosRuleRow['kind'], RuleKind['field']>> = {
  minimum_bandwidth: 'min_kbps',
  minimum_packet_rate: 'min_kpps',
}

export const ruleWire = ({ id, kind, direction, amount }: QosRuleRow): { id: string; [key: string]: Json } => ({
  id,
  direction,
  [fields[kind]]: Number(amount),
})
