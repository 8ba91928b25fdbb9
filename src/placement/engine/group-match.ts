import type { RequestGroup } from '#cloud'
import { fits } from './capacity.ts'
import { type NameSet, remembered } from './name-set.ts'
import type { ProviderNode } from './provider-node.ts'

/**
 * One request group made ready for asking many providers: what depends only on a set of traits or aggregates is
 * answered once per distinct set.
 */
export class GroupMatch {
  readonly suffix: string
  readonly group: RequestGroup
  readonly resources: readonly (readonly [resourceClass: string, amount: number])[]
  /** Shared by every candidate that takes the whole group from one provider. */
  readonly amounts: Readonly<Record<string, number>>
  /** Equal for groups that ask for the same amounts under the same suffix. */
  readonly signature: string
  readonly hasRequired: (traits: NameSet) => boolean
  readonly hasForbidden: (traits: NameSet) => boolean
  readonly isMember: (aggregates: NameSet) => boolean
  readonly isBarred: (aggregates: NameSet) => boolean
  /** The only tree to look at, by its root; null when `inTree` names nobody, undefined for any tree. */
  readonly onlyRoot: ProviderNode | null | undefined

  constructor(group: RequestGroup, find: (id: string) => ProviderNode | undefined) {
    this.suffix = group.suffix
    this.group = group
    this.resources = Object.entries(group.resources)
    this.amounts = { ...group.resources }
    this.signature = JSON.stringify([group.suffix, this.resources])
    this.hasRequired = remembered(traits => traits.hasAnyOfEach(group.required))
    this.hasForbidden = remembered(traits => traits.hasAny(group.forbidden))
    this.isMember = remembered(aggregates => aggregates.hasAnyOfEach(group.memberOf))
    this.isBarred = remembered(aggregates => aggregates.hasAny(group.notMemberOf))
    this.onlyRoot = group.inTree === undefined ? undefined : (find(group.inTree)?.root ?? null)
  }

  /** Aggregates of the anchor's root span its tree; this is the rule of the unsuffixed group. */
  mayUse(node: ProviderNode, anchor: ProviderNode): boolean {
    return (
      (this.isMember(node.aggregates) || this.isMember(anchor.aggregates)) &&
      !this.isBarred(node.aggregates) &&
      !this.isBarred(anchor.aggregates)
    )
  }

  hasRoom(node: ProviderNode): boolean {
    for (const [resourceClass, amount] of this.resources) {
      const stock = node.stocks.get(resourceClass)
      if (stock === undefined || !fits(stock, amount)) return false
    }
    return true
  }

  /** Everything from this one provider; its own aggregates count. */
  matchesAlone(node: ProviderNode): boolean {
    return (
      (this.onlyRoot === undefined || this.onlyRoot === node.root) &&
      this.hasRoom(node) &&
      this.hasRequired(node.traits) &&
      !this.hasForbidden(node.traits) &&
      this.isMember(node.aggregates) &&
      !this.isBarred(node.aggregates)
    )
  }
}
