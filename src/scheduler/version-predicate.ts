/** A hypervisor's version number as libvirt counts it, three digits a part: 9002000 is 9.2.0. */
export function versionText(version: number): string {
  const parts: number[] = []
  for (let rest = version; rest > 0; rest = Math.floor(rest / 1000)) parts.unshift(rest % 1000)
  return parts.length === 0 ? '0' : parts.join('.')
}

const term = /^\s*(<=|>=|<|>|!=|==)\s*(\d+(?:\.\d+)*)\s*$/

/** Reads `>=6.0,<7`; undefined if it is no such predicate. */
export function readVersionPredicate(text: string): ((version: number) => boolean) | undefined {
  const terms = text.split(',').map(part => term.exec(part))
  const checks: ((order: (bound: readonly number[]) => number) => boolean)[] = []
  for (const found of terms) {
    const operator = found?.[1]
    const bound = found?.[2]?.split('.').map(Number)
    if (operator === undefined || bound === undefined) return undefined
    checks.push(order => holds(operator, order(bound)))
  }
  return version => {
    const parts = versionText(version).split('.').map(Number)
    return checks.every(check => check(bound => compare(parts, bound)))
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function holds(operator: string, order: number): boolean {
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '!=':
      return order !== 0
    default:
      return order === 0
  }
}
