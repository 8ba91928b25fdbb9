import { standardResourceClasses } from '../standard/resource-classes.ts'
import { standardTraits } from '../standard/traits.ts'
import { namespaces, patternRules, rules } from './rules.ts'
import { oneOfWords, type ValueRule, wholeFrom } from './values.ts'

const classes = new Set(standardResourceClasses)
const traits = new Set(standardTraits)
const custom = /^CUSTOM_[A-Z0-9_]+$/
const grouped = /^(resources|trait)(?:[a-zA-Z0-9_-]{1,64})?:([^:]+)$/
const anyWhole = wholeFrom()
const asked = oneOfWords('required', 'forbidden')

/** `resources:VCPU`, `trait_GROUP:CUSTOM_FAST`: any class and trait that Placement has from the start, and custom ones. */
function groupedRule(name: string): ValueRule | undefined {
  const [, kind, subject = ''] = grouped.exec(name) ?? []
  if (kind === undefined) return undefined
  const [known, rule] = kind === 'trait' ? ([traits, asked] as const) : ([classes, anyWhole] as const)
  return known.has(subject) || custom.test(subject) ? rule : undefined
}

/** What is wrong with an extra spec of a flavor; nothing is wrong with names that nobody has claimed. */
export function extraSpecComplaint(name: string, value: string): string | undefined {
  const rule = rules.get(name) ?? patternRules.find(([form]) => form.test(name))?.[1] ?? groupedRule(name)
  const complaint = rule?.(value)
  if (complaint !== undefined) return `Validation failed; ${complaint}`
  if (rule !== undefined || !name.includes(':') || !namespaces.test(name.split(':', 1)[0] ?? '')) return undefined
  return `Validation failed; extra spec '${name}' does not appear to be a valid extra spec.`
}
