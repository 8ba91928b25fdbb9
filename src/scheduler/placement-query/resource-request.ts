import type { RequestGroup } from '#cloud'

interface Group {
  readonly resources: Map<string, number>
  readonly required: Set<string>
  readonly forbidden: Set<string>
}

/** The resource groups of a request while they are gathered; `''` is the unsuffixed one. */
export class ResourceRequest {
  readonly #groups = new Map<string, Group>()

  group(suffix = ''): Group {
    let group = this.#groups.get(suffix)
    if (group === undefined) {
      group = { resources: new Map(), required: new Set(), forbidden: new Set() }
      this.#groups.set(suffix, group)
    }
    return group
  }

  /** True if any group names the class, be it with 0. */
  has(resourceClass: string): boolean {
    return [...this.#groups.values()].some(({ resources }) => resources.has(resourceClass))
  }

  add(resourceClass: string, amount: number): void {
    const { resources } = this.group()
    resources.set(resourceClass, (resources.get(resourceClass) ?? 0) + amount)
  }

  /** Groups that say anything, without amounts of 0. */
  groups(): RequestGroup[] {
    const groups: RequestGroup[] = []
    for (const [suffix, { resources, required, forbidden }] of this.#groups) {
      const amounts = [...resources].filter(([, amount]) => amount !== 0)
      if (amounts.length + required.size + forbidden.size === 0) continue
      groups.push({
        suffix,
        resources: Object.fromEntries(amounts),
        required: [...required].sort().map(trait => [trait]),
        forbidden: [...forbidden].sort(),
        memberOf: [],
        notMemberOf: [],
      })
    }
    return groups.sort((a, b) => (a.suffix < b.suffix ? -1 : 1))
  }
}
