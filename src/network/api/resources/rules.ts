import type { Json } from '#base'
import { formatAddress, formatCidr, parseAddress, parseCidr } from '../../addresses.ts'
import { icmpProtocols, portProtocols, protocolNumber, protocolNumbers } from '../../core/protocols.ts'
import { createRule, deleteRule, groupById, type RuleContent } from '../../core/security-groups.ts'
import { SecurityGroupNotFound, SecurityGroupRuleNotFound } from '../../faults.ts'
import {
  RuleEthertypeConflict,
  RuleInvalidIcmpValue,
  RuleInvalidPortRange,
  RuleInvalidPortValue,
  RuleInvalidProtocol,
  RuleManyRemotes,
  RuleMissingIcmpType,
  RuleNeedsProtocol,
  RuleParameterConflict,
  RuleProtocolWithoutPorts,
  RuleReadOnly,
} from '../../rule-faults.ts'
import type { SecurityGroupRuleRow } from '../../store/tables.ts'
import { attribute, type Check, cidr, integer, oneOf, orNull, readOnly, text, type Values } from '../attributes.ts'
import type { Reading } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, ownerWire, stampWire, standard } from '../shared.ts'

/** Neutron has a word of its own for ports that are none. */
const portNumber: Check<number | null> = value => {
  const checked = orNull(integer(0, 65_535))(value)
  if ('ok' in checked) return checked
  throw RuleInvalidPortValue({ reason: `Invalid value for port ${String(value)}` })
}

const attributes = {
  ...standard,
  security_group_id: attribute(text(36), { isRequired: true }),
  direction: attribute(oneOf('ingress', 'egress'), { isRequired: true }),
  ethertype: attribute((value: unknown) =>
    oneOf('IPv4', 'IPv6')(typeof value === 'string' ? value.replace(/^ipv/i, 'IPv') : (value ?? 'IPv4')),
  ),
  protocol: attribute(orNull((value: unknown) => text(40)(typeof value === 'number' ? String(value) : value))),
  port_range_min: attribute(portNumber),
  port_range_max: attribute(portNumber),
  remote_ip_prefix: attribute(orNull(cidr)),
  // Any text: what is no id is no group either.
  remote_group_id: attribute(orNull(text(255))),
  normalized_cidr: readOnly(),
} as const

type RuleValues = Values<typeof attributes>

export const ruleWire = (row: SecurityGroupRuleRow) => ({
  id: row.id,
  ...ownerWire(row.projectId),
  security_group_id: row.groupId,
  ethertype: row.ethertype,
  direction: row.direction,
  protocol: row.protocol,
  port_range_min: row.portMin,
  port_range_max: row.portMax,
  remote_ip_prefix: row.remoteIpPrefix,
  normalized_cidr: normalized(row.remoteIpPrefix),
  remote_group_id: row.remoteGroupId,
  description: row.description,
  tags: [] as Json,
  ...stampWire(row),
})

async function list({ db, requester }: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const read = (column: 'id' | 'groupId', part?: readonly string[]) => {
    let query = db.selectFrom('securityGroupRules').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where(column, 'in', part)
    if (!requester.isAdmin) query = query.where('projectId', '=', requester.projectId ?? '')
    return query.execute()
  }
  const rows =
    narrow.ids !== undefined
      ? await inSlices(narrow.ids, part => read('id', part))
      : narrow.groupIds !== undefined
        ? await inSlices(narrow.groupIds, part => read('groupId', part))
        : await read('id')
  return rows.map(ruleWire)
}

function protocolOf(values: RuleValues): string | null {
  const name = (values.protocol ?? null)?.toLowerCase() ?? null
  if (name === null || name === 'any') return null
  const isNumber = /^\d+$/.test(name) && Number(name) <= 255
  if (!isNumber && protocolNumbers[name] === undefined) {
    const known = Object.keys(protocolNumbers)
      .map(word => `'${word}'`)
      .join(', ')
    throw RuleInvalidProtocol({
      reason: `Security group rule protocol ${name} not supported. Only protocol values [${known}] and integer representations [0 to 255] are supported.`,
    })
  }
  // Old clients say icmp and mean the one of the rule's family.
  return name === 'icmp' && values.ethertype === 'IPv6' ? 'ipv6-icmp' : name
}

function checkIcmp(min: number | null, max: number | null): void {
  for (const [attr, field, value] of [
    ['port_range_min', 'type', min],
    ['port_range_max', 'code', max],
  ] as const) {
    if (value !== null && value > 255)
      throw RuleInvalidIcmpValue({ reason: `Invalid value for ICMP ${field} (${attr}) ${value}. It must be 0 to 255.` })
  }
  if (min === null && max !== null) {
    throw RuleMissingIcmpType({
      reason: `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`,
    })
  }
}

function checkPorts(protocol: string | null, min: number | null, max: number | null): void {
  if (min === null && max === null) return
  const number = protocolNumber(protocol)
  if (number === undefined) throw RuleNeedsProtocol({ reason: 'Must also specify protocol if port range is given.' })
  if (icmpProtocols.has(number)) return checkIcmp(min, max)
  if (!portProtocols.has(number)) {
    const valid = 'DCCP, SCTP, TCP, UDP, UDPLITE'
    throw RuleProtocolWithoutPorts({
      reason: `Ports cannot be specified for protocol ${number}. Ports are only supported for ${valid}.`,
    })
  }
  if (min === 0 || max === 0) throw RuleInvalidPortValue({ reason: 'Invalid value for port 0' })
  if (min === null || max === null || min > max) {
    throw RuleInvalidPortRange({ reason: 'For TCP/UDP protocols, port_range_min must be <= port_range_max' })
  }
}

/** Neutron keeps the host bits of a prefix; a bare address gets its length. */
function asGiven(text: string, length: number): string {
  const address = parseAddress(text.split('/')[0] ?? '')
  return address === undefined ? text : `${formatAddress(address.version, address.value)}/${length}`
}

function normalized(prefix: string | null): string | null {
  const parsed = prefix === null ? undefined : parseCidr(prefix)
  return parsed === undefined ? null : formatCidr(parsed)
}

function contentOf(values: RuleValues): RuleContent {
  const protocol = protocolOf(values)
  const { ethertype = 'IPv4', remote_ip_prefix: prefix = null, remote_group_id: remoteGroupId = null } = values
  const { port_range_min: portMin = null, port_range_max: portMax = null } = values
  checkPorts(protocol, portMin, portMax)
  // All ports of a protocol are no restriction.
  const isEveryPort = portMin === 1 && portMax === 65_535
  if (prefix !== null && remoteGroupId !== null)
    throw RuleManyRemotes({
      reason: 'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    })
  const parsed = prefix === null ? undefined : parseCidr(prefix)
  if (parsed !== undefined && `IPv${parsed.version}` !== ethertype) {
    throw RuleParameterConflict({ reason: `Conflicting value ethertype ${ethertype} for CIDR ${prefix}` })
  }
  const isIcmpOfOther =
    (protocolNumber(protocol) === 58) !== (ethertype === 'IPv6') && icmpProtocols.has(protocolNumber(protocol) ?? -1)
  if (isIcmpOfOther) throw RuleEthertypeConflict({ reason: `Invalid ethertype ${ethertype} for protocol ${protocol}.` })
  return {
    direction: values.direction ?? 'ingress',
    ethertype,
    protocol,
    ...(isEveryPort ? { portMin: null, portMax: null } : { portMin, portMax }),
    remoteIpPrefix: prefix === null || parsed === undefined ? null : asGiven(prefix, parsed.prefix),
    remoteGroupId,
    description: values.description ?? '',
  }
}

export const rules: Resource<typeof attributes> = {
  singular: 'security_group_rule',
  plural: 'security_group_rules',
  path: 'security-group-rules',
  attributes,
  list,
  missing: id => SecurityGroupRuleNotFound({ id }),
  async create({ unit, requester }, values) {
    const id = values.security_group_id ?? ''
    const group = await groupById(unit.db, id)
    if (group === undefined || (!requester.isAdmin && group.projectId !== requester.projectId))
      throw SecurityGroupNotFound({ id })
    const content = contentOf(values)
    const remote = content.remoteGroupId === null ? undefined : await groupById(unit.db, content.remoteGroupId)
    if (remote !== undefined && !requester.isAdmin && remote.projectId !== requester.projectId) {
      throw SecurityGroupNotFound({ id: remote.id })
    }
    return (await createRule(unit, group, content)).id
  },
  async update({ unit }, seen, values) {
    const strange = Object.keys(values).find(name => name !== 'description')
    if (strange !== undefined) throw RuleReadOnly({ reason: `Cannot update read-only attribute ${strange}` })
    if (values.description === undefined) return
    await unit.db
      .updateTable('securityGroupRules')
      .set(eb => ({ description: values.description ?? '', revision: eb('revision', '+', 1), updatedAtMs: unit.nowMs }))
      .where('id', '=', seen.id)
      .execute()
  },
  async remove({ unit }, seen) {
    const row = await unit.db.selectFrom('securityGroupRules').selectAll().where('id', '=', seen.id).executeTakeFirst()
    if (row === undefined) throw SecurityGroupRuleNotFound({ id: seen.id })
    await deleteRule(unit, row)
  },
}
