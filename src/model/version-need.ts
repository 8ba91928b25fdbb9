const term = /^\s*(<=|>=|<|>|!=|==)\s*(\d+(?:\.\d+)*)\s*$/

/** Missing parts count as 0. */
function order(a: string, b: string): number {
  const [as, bs] = [a.split('.').map(Number), b.split('.').map(Number)]
  for (let place = 0; place < Math.max(as.length, bs.length); place++) {
    const difference = (as[place] ?? 0) - (bs[place] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const holds: Readonly<Record<string, (order: number) => boolean>> = {
  '<': n => n < 0,
  '<=': n => n <= 0,
  '>': n => n > 0,
  '>=': n => n >= 0,
  '==': n => n === 0,
  '!=': n => n !== 0,
}

/** Reads `>=6.0,<7`; undefined if it is no such need. The versions it is asked about are texts like `6.2.0`. */
export function readVersionNeed(text: string): ((version: string) => boolean) | undefined {
  const checks: ((version: string) => boolean)[] = []
  for (const part of text.split(',')) {
    const [, operator = '', bound = ''] = term.exec(part) ?? []
    const isMet = holds[operator]
    if (isMet === undefined) return undefined
    checks.push(version => isMet(order(version, bound)))
  }
  return version => checks.every(check => check(version))
}
