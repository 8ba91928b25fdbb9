import { newUuid } from '#base'
import { affected, insertIgnore } from '#store/engine'
import { formatCidr, parseCidr } from '../addresses.ts'
import {
  SecurityGroupCannotRemoveDefault,
  SecurityGroupInUse,
  SecurityGroupNotFound,
  SecurityGroupRuleExists,
  SecurityGroupRuleNotFound,
} from '../faults.ts'
import type { Db } from '../store/open.ts'
import type { SecurityGroupRow, SecurityGroupRuleRow } from '../store/tables.ts'
import { checkQuota } from './quotas.ts'
import { stamp, type Unit } from './unit.ts'

export type RuleContent = Pick<
  SecurityGroupRuleRow,
  'direction' | 'ethertype' | 'protocol' | 'portMin' | 'portMax' | 'remoteIpPrefix' | 'remoteGroupId' | 'description'
>

const anything: Omit<RuleContent, 'direction' | 'ethertype'> = {
  protocol: null,
  portMin: null,
  portMax: null,
  remoteIpPrefix: null,
  remoteGroupId: null,
  description: '',
}

/** A prefix means the same whatever its host bits are. */
const prefixOf = ({ remoteIpPrefix }: RuleContent): string | null => {
  const cidr = remoteIpPrefix === null ? undefined : parseCidr(remoteIpPrefix)
  return cidr === undefined ? null : formatCidr(cidr)
}

const sameness = (rule: RuleContent): string =>
  [rule.direction, rule.ethertype, rule.protocol, rule.portMin, rule.portMax, prefixOf(rule), rule.remoteGroupId]
    .map(part => part ?? '')
    .join('|')

const ruleRow = (unit: Unit, group: SecurityGroupRow, rule: RuleContent): SecurityGroupRuleRow => ({
  ...rule,
  id: newUuid(),
  projectId: group.projectId,
  groupId: group.id,
  sameness: sameness(rule),
  ...stamp(unit),
})

export async function groupById(db: Db, id: string): Promise<SecurityGroupRow | undefined> {
  return db.selectFrom('securityGroups').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertGroup(
  unit: Unit,
  content: Pick<SecurityGroupRow, 'projectId' | 'name' | 'description'>,
): Promise<SecurityGroupRow> {
  const group: SecurityGroupRow = { id: newUuid(), ...content, ...stamp(unit) }
  await unit.db.insertInto('securityGroups').values(group).execute()
  const outward = (['IPv4', 'IPv6'] as const).map(ethertype => ({
    direction: 'egress' as const,
    ethertype,
    ...anything,
  }))
  await unit.db
    .insertInto('securityGroupRules')
    .values(outward.map(rule => ruleRow(unit, group, rule)))
    .execute()
  unit.touched.groups.add(group.id)
  return group
}

/** The project's `default` group, made on first use: out to anywhere, in from its own members. */
export async function ensureDefaultGroup(unit: Unit, projectId: string): Promise<string> {
  const known = await unit.db
    .selectFrom('defaultSecurityGroups')
    .select('groupId')
    .where('projectId', '=', projectId)
    .executeTakeFirst()
  if (known !== undefined) return known.groupId
  const group = await insertGroup(unit, { projectId, name: 'default', description: 'Default security group' })
  const inward = (['IPv4', 'IPv6'] as const).map(ethertype => ({
    direction: 'ingress' as const,
    ethertype,
    ...anything,
    remoteGroupId: group.id,
  }))
  await unit.db
    .insertInto('securityGroupRules')
    .values(inward.map(rule => ruleRow(unit, group, rule)))
    .execute()
  await insertIgnore(unit.db, 'defaultSecurityGroups', { projectId, groupId: group.id })
  return group.id
}

export async function hasDefaultGroup(db: Db, projectId: string): Promise<boolean> {
  const row = await db
    .selectFrom('defaultSecurityGroups')
    .select('groupId')
    .where('projectId', '=', projectId)
    .executeTakeFirst()
  return row !== undefined
}

export async function isDefaultGroup(db: Db, groupId: string): Promise<boolean> {
  const row = await db
    .selectFrom('defaultSecurityGroups')
    .select('groupId')
    .where('groupId', '=', groupId)
    .executeTakeFirst()
  return row !== undefined
}

export async function createGroup(
  unit: Unit,
  content: Pick<SecurityGroupRow, 'projectId' | 'name' | 'description'>,
): Promise<SecurityGroupRow> {
  await ensureDefaultGroup(unit, content.projectId)
  await checkQuota(unit.db, content.projectId, 'security_group')
  await checkQuota(unit.db, content.projectId, 'security_group_rule', 2)
  return insertGroup(unit, content)
}

export async function deleteGroup(unit: Unit, id: string, mayRemoveDefault: boolean): Promise<void> {
  const used = await unit.db
    .selectFrom('portSecurityGroups')
    .select('portId')
    .where('groupId', '=', id)
    .executeTakeFirst()
  if (used !== undefined) throw SecurityGroupInUse({ id })
  if (!mayRemoveDefault && (await isDefaultGroup(unit.db, id))) throw SecurityGroupCannotRemoveDefault({})
  const referring = await unit.db
    .selectFrom('securityGroupRules')
    .select('groupId')
    .where('remoteGroupId', '=', id)
    .execute()
  for (const rule of referring) unit.touched.groups.add(rule.groupId)
  const result = await unit.db.deleteFrom('securityGroups').where('id', '=', id).executeTakeFirstOrThrow()
  if (affected(result) === 0) throw SecurityGroupNotFound({ id })
  unit.touched.groups.add(id)
}

export async function createRule(
  unit: Unit,
  group: SecurityGroupRow,
  rule: RuleContent,
): Promise<SecurityGroupRuleRow> {
  if (rule.remoteGroupId !== null && (await groupById(unit.db, rule.remoteGroupId)) === undefined) {
    throw SecurityGroupNotFound({ id: rule.remoteGroupId })
  }
  const row = ruleRow(unit, group, rule)
  const twin = await unit.db
    .selectFrom('securityGroupRules')
    .select('id')
    .where('groupId', '=', group.id)
    .where('sameness', '=', row.sameness)
    .executeTakeFirst()
  if (twin !== undefined) throw SecurityGroupRuleExists({ id: twin.id })
  await checkQuota(unit.db, group.projectId, 'security_group_rule')
  await unit.db.insertInto('securityGroupRules').values(row).execute()
  await bumpGroup(unit, group.id)
  return row
}

export async function deleteRule(unit: Unit, rule: SecurityGroupRuleRow): Promise<void> {
  const result = await unit.db.deleteFrom('securityGroupRules').where('id', '=', rule.id).executeTakeFirstOrThrow()
  if (affected(result) === 0) throw SecurityGroupRuleNotFound({ id: rule.id })
  await bumpGroup(unit, rule.groupId)
}

async function bumpGroup(unit: Unit, id: string): Promise<void> {
  await unit.db
    .updateTable('securityGroups')
    .set(eb => ({ revision: eb('revision', '+', 1), updatedAtMs: unit.nowMs }))
    .where('id', '=', id)
    .execute()
  unit.touched.groups.add(id)
}
