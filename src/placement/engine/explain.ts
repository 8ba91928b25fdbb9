import type { CandidateQuery, CandidateRefusal } from '#cloud'
import { type PreparedQuery, prepare } from './candidates.ts'
import { whyNot } from './capacity.ts'
import type { GroupMatch } from './group-match.ts'
import type { ProviderNode } from './provider-node.ts'
import type { Snapshot } from './snapshot.ts'
import { searchTree } from './tree-search.ts'

const anyOf = (names: readonly string[]): string => (names.length === 1 ? `${names[0]}` : `any of ${names.join(', ')}`)

function traitReasons(group: GroupMatch, nodes: readonly ProviderNode[]): string[] {
  const reasons: string[] = []
  for (const names of group.group.required) {
    if (!nodes.some(node => node.traits.hasAny(names))) reasons.push(`trait ${anyOf(names)} is required and missing`)
  }
  for (const name of group.group.forbidden) {
    if (nodes.every(node => node.traits.has(name))) reasons.push(`trait ${name} is forbidden and present`)
  }
  return reasons
}

function aggregateReasons(group: GroupMatch, node: ProviderNode, spanning: readonly ProviderNode[]): string[] {
  const reasons: string[] = []
  for (const ids of group.group.memberOf) {
    if (!spanning.some(one => one.aggregates.hasAny(ids))) reasons.push(`not a member of aggregate ${anyOf(ids)}`)
  }
  const barred = group.group.notMemberOf.filter(id => node.aggregates.has(id))
  if (barred.length > 0) reasons.push(`a member of aggregate ${barred.join(', ')}, which is excluded`)
  return reasons
}

/** Why the whole group cannot come from this one provider. */
function aloneReasons(group: GroupMatch, node: ProviderNode): string[] {
  return [
    ...traitReasons(group, [node]),
    ...aggregateReasons(group, node, [node]),
    ...group.resources.flatMap(([name, amount]) => whyNot(name, node.stocks.get(name), amount) ?? []),
  ]
}

/** Of several providers' reasons for one class, the one that says most: some stock beats none, and the root comes first. */
function classReason(nodes: readonly ProviderNode[], resourceClass: string, amount: number): string | undefined {
  const having = nodes.filter(node => node.stocks.has(resourceClass))
  const reasons: string[] = []
  for (const node of having) {
    const reason = whyNot(resourceClass, node.stocks.get(resourceClass), amount)
    if (reason === undefined) return undefined
    reasons.push(nodes.length > 1 && having.length > 1 ? `${reason} on ${node.name}` : reason)
  }
  return reasons.length === 0 ? whyNot(resourceClass, undefined, amount) : reasons.join(', ')
}

/** Why the group cannot be spread over the tree and what is lent to it. */
function spreadReasons(group: GroupMatch, anchor: ProviderNode, lenders: readonly ProviderNode[]): string[] {
  const nodes = [...anchor.tree, ...(group.onlyRoot === undefined ? lenders : [])]
  // Traits count on the providers that give something, if anybody has anything to give.
  const having = nodes.filter(node => group.resources.some(([name]) => node.stocks.has(name)))
  return [
    ...traitReasons(group, having.length === 0 ? nodes : having),
    ...aggregateReasons(group, anchor, nodes),
    ...group.resources.flatMap(([name, amount]) => classReason(nodes, name, amount) ?? []),
  ]
}

function groupReasons(group: GroupMatch, anchor: ProviderNode, lenders: readonly ProviderNode[]): string[] {
  if (group.onlyRoot !== undefined && group.onlyRoot !== anchor) return ['not in the tree that the request names']
  if (group.suffix === '') return spreadReasons(group, anchor, lenders)
  const nodes = [...anchor.tree, ...lenders]
  if (nodes.some(node => group.matchesAlone(node))) return []
  // Of all providers the one that misses least says best what is wrong; to have none of a class is worse than too little.
  const lackedBy = (node: ProviderNode) => group.resources.filter(([name]) => !node.stocks.has(name)).length
  const closest = nodes
    .map(node => ({ node, reasons: aloneReasons(group, node) }))
    .map(one => ({ ...one, misses: one.reasons.length + lackedBy(one.node) }))
    .sort((a, b) => a.misses - b.misses)[0]
  const reasons = closest?.reasons.join(', ') ?? ''
  return [`group ${group.suffix}: no provider has it all; closest is ${closest?.node.name} (${reasons})`]
}

function rootReasons(query: CandidateQuery, anchor: ProviderNode): string[] {
  return [
    ...query.rootRequired.filter(name => !anchor.traits.has(name)).map(name => `trait ${name} is required and missing`),
    ...query.rootForbidden
      .filter(name => anchor.traits.has(name))
      .map(name => `trait ${name} is forbidden and present`),
  ]
}

function together(query: CandidateQuery): string {
  const parts = [
    ...(query.groupPolicy === 'isolate' ? ['on different providers'] : []),
    ...query.sameSubtrees.map(suffixes => `in one subtree (${suffixes.join(', ')})`),
  ]
  return `each group would fit, but not all together${parts.length === 0 ? '' : ` ${parts.join(' and ')}`}`
}

function refusal(
  snapshot: Snapshot,
  query: CandidateQuery,
  prepared: PreparedQuery,
  anchor: ProviderNode,
): string | undefined {
  const lenders = snapshot.lendersOf(anchor)
  const reasons = rootReasons(query, anchor)
  if (reasons.length === 0 && searchTree(prepared.groups, anchor, lenders, prepared.binding).next().done !== true)
    return undefined
  for (const group of prepared.groups) reasons.push(...groupReasons(group, anchor, lenders))
  return reasons.length === 0 ? together(query) : [...new Set(reasons)].join('; ')
}

/**
 * Why each tree gives no candidate, in words with numbers, one entry per root. Sharing providers are left out: they
 * are there to lend.
 */
export function explainCandidates(snapshot: Snapshot, query: CandidateQuery): CandidateRefusal[] {
  const prepared = prepare(snapshot, query)
  const refusals: CandidateRefusal[] = []
  for (const anchor of snapshot.roots) {
    if (snapshot.isSharing(anchor)) continue
    const reason = refusal(snapshot, query, prepared, anchor)
    if (reason !== undefined) refusals.push({ providerId: anchor.id, providerName: anchor.name, reason })
  }
  return refusals
}
