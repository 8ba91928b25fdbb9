import { InvalidNumaRequest } from './faults.ts'

/** No host has more; a longer range in an extra spec is cut, and so still names CPUs that the flavor does not have. */
const mostCpus = 65_536

const refuse = (kind: string, rule: string) => InvalidNumaRequest({ text: `Invalid ${kind} expression '${rule}'` })

function numberIn(text: string, kind: string, rule: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw refuse(kind, rule)
  return Number(text)
}

/** The CPUs that a list like `1-4,^3,6` names. */
export function cpusIn(list: string): ReadonlySet<number> {
  const chosen = new Set<number>()
  const rejected = new Set<number>()
  for (const rule of list.split(',').map(part => part.trim())) {
    if (rule === '') continue
    const isRejection = rule.startsWith('^')
    const target = isRejection ? rejected : chosen
    const bare = isRejection ? rule.slice(1) : rule
    const dash = bare.indexOf('-')
    if (dash < 0) {
      target.add(numberIn(bare, isRejection ? 'exclusion' : 'inclusion', rule))
      continue
    }
    const first = numberIn(bare.slice(0, dash), 'range', rule)
    const last = numberIn(bare.slice(dash + 1), 'range', rule)
    if (first > last) throw refuse('range', rule)
    for (let cpu = first; cpu <= Math.min(last, mostCpus); cpu++) target.add(cpu)
  }
  return chosen.difference(rejected)
}

/** A mask that begins with an exclusion excludes from all CPUs of the flavor. */
export const cpusOfMask = (mask: string, vcpus: number): ReadonlySet<number> =>
  cpusIn(mask.trim().startsWith('^') ? `0-${vcpus - 1},${mask}` : mask)
