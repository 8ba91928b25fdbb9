/** One line of the result: a distribution, or a single figure in `p50`. */
export interface Row {
  readonly group: string
  readonly what: string
  readonly unit: string
  readonly p50: number
  readonly p95?: number
  /** What was promised, as text, and whether it holds here. */
  readonly aim?: { readonly text: string; readonly isMet: boolean }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

type Limit = { readonly below: number; readonly of: 'p50' | 'p95' } | { readonly atLeast: number }

function judge(limit: Limit, p50: number, p95: number | undefined, unit: string): Row['aim'] {
  if ('atLeast' in limit) return { text: `>= ${limit.atLeast} ${unit}`, isMet: p50 >= limit.atLeast }
  const figure = limit.of === 'p95' ? (p95 ?? p50) : p50
  return { text: `${limit.of} < ${limit.below} ${unit}`, isMet: figure < limit.below }
}

interface Named {
  readonly group: string
  readonly what: string
  readonly unit: string
  readonly aim?: Limit
}

/** A row from many measurements. */
export function distribution({ group, what, unit, aim }: Named, values: readonly number[]): Row {
  const [p50, p95] = [percentile(values, 0.5), percentile(values, 0.95)]
  return { group, what, unit, p50, p95, ...verdict(aim, p50, p95, unit) }
}

/** A row from one figure. */
export const figure = ({ group, what, unit, aim }: Named, value: number): Row => ({
  group,
  what,
  unit,
  p50: value,
  ...verdict(aim, value, undefined, unit),
})

function verdict(aim: Limit | undefined, p50: number, p95: number | undefined, unit: string): Pick<Row, 'aim'> {
  if (aim === undefined) return {}
  const judged = judge(aim, p50, p95, unit)
  return judged === undefined ? {} : { aim: judged }
}
